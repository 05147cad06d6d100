from .calendar_turn import open_calendar_sync_turn
from .work_items import LIST_RESOURCE, get_calendar_work_resource

__all__ = ["LIST_RESOURCE", "get_calendar_work_resource", "open_calendar_sync_turn"]
