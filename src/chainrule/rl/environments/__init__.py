"""Environments as pure NumPy functions that trace into a compiled graph.

Importing this package makes them known to Gymnasium, where that is installed:
``gymnasium.make("chainrule/CartPole-v1")``.
"""

from contextlib import suppress

from .acrobot import Acrobot, AcrobotState
from .auto_reset import auto_reset_step, reset_where
from .blackjack import Blackjack, BlackjackState
from .cart_pole import CartPole, CartPoleState
from .checking import check_environment
from .cliff_walking import CliffWalking
from .frame_stack import FrameStack
from .frozen_lake import FrozenLake
from .mini_breakout import MiniBreakout, MiniBreakoutState
from .mountain_car import MountainCar, MountainCarContinuous, MountainCarState
from .navigation import Navigation, NavigationState
from .pendulum import Pendulum, PendulumState
from .protocol import Environment, state_at
from .registry import ENVIRONMENTS, make_environment, register_environments
from .tabular import GridState, GridWorld, Transitions
from .two_link_arm import TwoLinkArm, TwoLinkArmState

with suppress(ModuleNotFoundError):  # without the extra `rl`
    register_environments()

__all__ = [
    "ENVIRONMENTS",
    "Acrobot",
    "AcrobotState",
    "Blackjack",
    "BlackjackState",
    "CartPole",
    "CartPoleState",
    "CliffWalking",
    "Environment",
    "FrameStack",
    "FrozenLake",
    "GridState",
    "GridWorld",
    "MiniBreakout",
    "MiniBreakoutState",
    "MountainCar",
    "MountainCarContinuous",
    "MountainCarState",
    "Navigation",
    "NavigationState",
    "Pendulum",
    "PendulumState",
    "Transitions",
    "TwoLinkArm",
    "TwoLinkArmState",
    "auto_reset_step",
    "check_environment",
    "make_environment",
    "register_environments",
    "reset_where",
    "state_at",
]
