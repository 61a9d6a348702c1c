"""An agent with its environment: in one graph, or around Gymnasium's."""
