"""What the simulated providers have billed since a test began: the judge of tests that share a sandbox with others."""


class Meter:
    def __init__(self, sandbox):
        self.sandbox, self.before = sandbox, {call["seq"] for call in sandbox.calls()}

    def calls(self):
        return [call for call in self.sandbox.calls() if call["seq"] not in self.before]

    def bill(self):
        """In pico-USD."""
        return sum(int(call["cost_pico"]) for call in self.calls())
