from .applying import Applied, Made, apply_changes

__all__ = ["Applied", "Made", "apply_changes"]
