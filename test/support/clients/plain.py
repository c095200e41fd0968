"""What libca gives, as JSON can hold it."""


def plain(value):
    if hasattr(value, "tolist"):
        return value.tolist()
    return float(value) if isinstance(value, (int, float)) else str(value)
