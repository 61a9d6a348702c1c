#!/usr/bin/env bash
# Optuna 5.0.0. Ctrl-C during `study.optimize` is documented to stop a study, and arrives as a
# KeyboardInterrupt: one catches it and keeps the trials so far. Where it arrives while Optuna stores
# a trial's result (here at the moment when a storage writes the state), the clean-up reads a
# variable that was not assigned yet: an UnboundLocalError comes out, and a program that catches
# KeyboardInterrupt ends with a traceback. The interrupt is only that error's context.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0
"$work/venv/bin/python" - <<'PY'
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Interrupted(optuna.storages.InMemoryStorage):
    """A storage in whose write of the second trial Ctrl-C is pressed."""

    def set_trial_state_values(self, trial_id, state, values=None):
        if state.is_finished() and trial_id == 1:
            raise KeyboardInterrupt
        return super().set_trial_state_values(trial_id, state, values)


study = optuna.create_study(storage=Interrupted())
try:
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=3)
    seen = None
except BaseException as error:
    seen = error
print("optimize raised:", type(seen).__name__, "-", seen)
print("its context:", type(getattr(seen, "__context__", None)).__name__)
masked = isinstance(seen, UnboundLocalError) and isinstance(seen.__context__, KeyboardInterrupt)
raise SystemExit(0 if masked else 1)
PY
