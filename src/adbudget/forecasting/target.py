def reach_target(): pass
class TargetPlan: pass
