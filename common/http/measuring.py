"""What every process of the shop counts, whatever it does; its application may have brought more."""

from litestar import Litestar

from common import __version__
from common.messaging.broker import Broker
from common.messaging.depths import Depths
from common.messaging.measures import BrokerMeasures
from common.metrics.process import ProcessMeasures
from common.postgres.database import Database
from common.postgres.measures import PoolMeasures
from common.settings import Settings


def measure(
    app: Litestar, settings: Settings, role: str, broker: Broker, db: Database | None
) -> ProcessMeasures:
    """Adds it to the page of the application; what comes back has to be kept beating."""
    broker.measures.is_on = broker.paths.is_on = settings.metrics
    process = ProcessMeasures(service_name=settings.service, service_version=__version__, role=role)
    app.state.metrics.add(process, BrokerMeasures(broker), broker.measures)
    if db is not None:
        app.state.metrics.add(PoolMeasures(db), Depths(db, settings.service))
    return process
