"""What lasts from epoch to epoch of an optimizer, and the learning rate between them."""

from __future__ import annotations

from typing import Any

from .network import FittedNetwork
from .settings import PerceptronSettings
from .steps import StepConfig, first_state


class Optimizer:
    """What an optimizer hands on from epoch to epoch: its state, and scikit-learn's learning rate.

    Attributes
    ----------
    config : StepConfig
    state : StepState
    weights : dict or None
        The weights of the last step, where those of the network are their running means.
    learning_rate : float
        Before a schedule over steps.
    """

    def __init__(
        self, config: StepConfig, network: FittedNetwork, settings: PerceptronSettings
    ) -> None:
        self.config = config
        self.state = first_state(config, network.weights)
        self.weights = network.weights if config.averages else None
        self.learning_rate = self.learning_rate_init = float(settings.learning_rate_init)
        self.schedule = settings.learning_rate if config.solver == "sgd" else "constant"
        self.power_t = settings.power_t

    def fits(self, config: StepConfig) -> bool:
        """Whether its state suits a config: it does not if the solver was changed after `fit`."""
        ours = self.config
        names = ("solver", "averages", "counts_steps")
        return all(getattr(ours, name) == getattr(config, name) for name in names)

    def end_epoch(self, n_samples_seen: int) -> None:
        """Lower an inversely scaled learning rate."""
        if self.schedule == "invscaling":
            self.learning_rate = self.learning_rate_init / (n_samples_seen + 1) ** self.power_t

    def should_stop(self, message: str, verbose: Any) -> bool:
        """Whether to stop now that epochs no longer help; an adaptive rate falls first."""
        stops = self.schedule != "adaptive" or self.learning_rate <= 1e-6
        if self.schedule != "adaptive":
            message += " Stopping."
        elif stops:
            message += " Learning rate too small. Stopping."
        else:
            self.learning_rate /= 5.0
            message += f" Setting learning rate to {self.learning_rate:f}"
        if verbose:
            print(message)
        return stops
