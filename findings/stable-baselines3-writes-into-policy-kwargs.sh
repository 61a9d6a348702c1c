#!/usr/bin/env bash
# Stable-Baselines3 2.9.2 with PyTorch 2.13.0, Gymnasium 1.4.0 and NumPy 2.4.6.
# A dict of settings that is handed to a constructor is one's own, and one expects it to stay as it
# is: the same dict then serves several algorithms, as in a comparison. SAC puts "use_sde"
# into the policy_kwargs that it is given, so that TD3 or DQN, made of the same dict afterwards,
# raises a TypeError about a keyword that nobody wrote. Made in the other order, both work.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.13.0 \
    gymnasium==1.4.0 stable-baselines3==2.9.2
"$work/venv/bin/python" - <<'PY'
import stable_baselines3 as sb3

changed = {}
for name in ("SAC", "PPO", "TD3", "DQN"):
    settings = {"net_arch": [8]}
    env = "CartPole-v1" if name in ("PPO", "DQN") else "Pendulum-v1"
    getattr(sb3, name)("MlpPolicy", env, policy_kwargs=settings, device="cpu")
    changed[name] = settings
    print(f"{name}: the dict was {{'net_arch': [8]}} and is {settings}")

shared = {"net_arch": [8]}
sb3.SAC("MlpPolicy", "Pendulum-v1", policy_kwargs=shared, device="cpu")
try:
    sb3.TD3("MlpPolicy", "Pendulum-v1", policy_kwargs=shared, device="cpu")
    raised = ""
except TypeError as error:
    raised = str(error)
print("TD3 with the dict that SAC was made of:", raised or "works")
as_seen = {name: "use_sde" in settings for name, settings in changed.items()}
raise SystemExit(0 if as_seen["SAC"] and not as_seen["TD3"] and "use_sde" in raised else 1)
PY
