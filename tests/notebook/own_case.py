"""A training in the manner of the notebook, by other words, for where its text is absent."""

import numpy as np


def sigmoid(x):
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(x):
    """By the function's output."""
    return x * (1 - x)


def backpropagation(X, y, learning_rate, num_iterations):
    """Gradient descent on half the squared error, written by hand, weights updated in place."""
    np.random.seed(0)
    weights = 2 * np.random.random((3, 1)) - 1
    for _ in range(num_iterations):
        output = sigmoid(np.dot(X, weights))
        delta = (y - output) * sigmoid_derivative(output)
        weights += learning_rate * np.dot(X.T, delta)
    return weights


X = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
y = np.array([[0, 1, 1, 0]]).T
weights = backpropagation(X, y, learning_rate=1, num_iterations=10000)
test_input = np.array([[1, 0, 0]])
print("Predicted output:", sigmoid(np.dot(test_input, weights)))
