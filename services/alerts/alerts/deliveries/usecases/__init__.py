"""What is done with messages: written where an alert changes, shown, sent again; sent, and recorded."""

from alerts.deliveries.usecases.sending import Sending
from alerts.deliveries.usecases.writing import Deliveries

__all__ = ["Deliveries", "Sending"]
