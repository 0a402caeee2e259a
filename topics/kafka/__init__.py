"""The log on Apache Kafka: the ports of `topics/ports.py` by confluent-kafka, and the admin that makes the topics."""
