"""Predict a number from a table: how a disease goes on within a year.

The data are scikit-learn's 442 patients with ten measurements each. A linear model is hard to beat
on so few rows, and stands beside the network.
"""

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error

import chainrule as cr
from chainrule.data import read_table


def main() -> None:
    table = read_table("diabetes")
    columns, target = table.frame.drop(columns=table.target), table.frame[table.target]
    test = np.arange(len(columns)) % 5 == 0

    model = cr.TabularRegressor(max_iter=60, random_state=0, progress=False)
    model.fit(columns[~test], target[~test])
    linear = LinearRegression().fit(columns[~test], target[~test])

    for name, predicted in (
        ("network", model.predict(columns[test])),
        ("linear model", linear.predict(columns[test])),
        ("the mean", np.full(test.sum(), target[~test].mean())),
    ):
        error = mean_absolute_error(target[test], predicted)
        print(f"{name}: mean absolute error {error:.2f}")
    order = np.argsort(-model.feature_importances_)
    print("most important:", ", ".join(columns.columns[order[:3]]))


if __name__ == "__main__":
    main()
