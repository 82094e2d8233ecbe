"""The two files a Kafka broker reads, and its Java options: one small broker that is its own controller."""

from pathlib import Path

JAVA_OPTIONS = [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
]


NODE: int = 1
OFFSETS_PARTITIONS: int = 4


def broker(data: Path, port: int, controller_port: int) -> str:
    """Return server.properties for a broker on 127.0.0.1:`port`."""
    listeners = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}"
    return f"""\
process.roles=broker,controller
node.id={NODE}
controller.quorum.voters={NODE}@127.0.0.1:{controller_port}
listeners={listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
# One broker: nothing to replicate to.
offsets.topic.replication.factor=1
offsets.topic.num.partitions={OFFSETS_PARTITIONS}
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# After a kill -9 the controller must not fence the new broker for long.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# A small machine.
num.network.threads=2
num.io.threads=4
background.threads=4
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=16777216
log.index.size.max.bytes=1048576
"""


def logging(log: Path) -> str:
    """Return log4j2.properties: warnings and worse, at most two files of 5 MB."""
    return f"""\
status=error
appender.file.type=RollingFile
appender.file.name=File
appender.file.fileName={log}
appender.file.filePattern={log}.%i
appender.file.policies.type=SizeBasedTriggeringPolicy
appender.file.policies.size=5MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=1
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d %p %m (%c{{1}})%n
rootLogger.level=warn
rootLogger.appenderRef.file.ref=File
"""
