#!/usr/bin/python3
"""usher.audit into Parquet with Spark's Structured Streaming, each record exactly once: the way for amounts that one
machine does not hold. ops/analytics.md says how to run it. It needs the packages of spark.txt, a JRE, and the jars that
pom.xml names.

    audit_spark.py -b HOST:PORT --jars FOLDER FOLDER [-t usher] [-X NAME=VALUE]... [--check]

The records that are there now go into FOLDER/audit, and the program ends; call it again for those that came since. What
it has read stands in FOLDER/places. Both together make it exactly once; one without the other is worth nothing.
--check: instead runs complete.sql over what was read, and prints a line of JSON for each fault. It ends with 1 if there
is one.
Read FOLDER/audit with Spark alone: others also see the files of batches that were cut off, and count them twice.
-X: a setting of Kafka's Java client (security.protocol, sasl.jaas.config ...).
"""

import argparse
import glob
import os
import sys

from pyspark.sql import SparkSession

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 100000  # records of one batch, at most

# A record that Kafka refused left a stub with its number: a change of which the rest is in usher.deadletter.
COLUMNS = """
coalesce(get_json_object(v, '$.kind'), 'change') AS kind
get_json_object(v, '$.workspace') AS workspace
cast(get_json_object(v, '$.epoch') AS BIGINT) AS epoch
cast(get_json_object(v, '$.seq') AS BIGINT) AS seq
get_json_object(v, '$.instance') AS instance
cast(get_json_object(v, '$.n') AS BIGINT) AS n
cast(get_json_object(v, '$.supersedes') AS BIGINT) AS supersedes
cast(get_json_object(v, '$.time') AS TIMESTAMP) AS time
to_date(substr(get_json_object(v, '$.time'), 1, 10)) AS day
get_json_object(v, '$.txn') AS txn
get_json_object(v, '$.action') AS action
coalesce(get_json_object(v, '$.actor.id'), get_json_object(v, '$.key.id')) AS actor
coalesce(get_json_object(v, '$.actor.name'), get_json_object(v, '$.key.name')) AS actor_name
get_json_object(v, '$.target.type') AS target_type
get_json_object(v, '$.target.id') AS target
get_json_object(v, '$.subject.id') AS subject
get_json_object(v, '$.outcome') AS outcome
get_json_object(v, '$.method') AS method
get_json_object(v, '$.path') AS path
cast(get_json_object(v, '$.status') AS SMALLINT) AS status
cast(get_json_object(v, '$.rateLimited') AS BOOLEAN) AS rate_limited
cast(get_json_object(v, '$.durationUs') AS BIGINT) AS duration_us
get_json_object(v, '$.sourceIp') AS source
v AS value
""".strip().splitlines()


def session(options):
    jars = ",".join(sorted(glob.glob(os.path.join(options.jars, "*.jar"))))
    return (SparkSession.builder.appName("usher-audit").config("spark.jars", jars)
            .config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false").getOrCreate())


def load(options):
    """What the topic holds now. A place that the topic no longer holds is an error (failOnDataLoss)."""
    source = (session(options).readStream.format("kafka").option("kafka.bootstrap.servers", options.bootstrap)
              .option("subscribe", options.topics + ".audit").option("startingOffsets", "earliest")
              .option("kafka.isolation.level", "read_committed").option("failOnDataLoss", "true")
              .option("maxOffsetsPerTrigger", options.batch))
    for setting in options.set:
        name, _, value = setting.partition("=")
        source = source.option("kafka." + name, value)
    rows = source.load().selectExpr("CAST(value AS STRING) AS v").selectExpr(*COLUMNS)
    (rows.writeStream.format("parquet").partitionBy("day").option("path", os.path.join(options.folder, "audit"))
     .option("checkpointLocation", os.path.join(options.folder, "places")).trigger(availableNow=True)
     .start().awaitTermination())


def check(options):
    """The number of faults that complete.sql finds."""
    spark = session(options)
    spark.read.parquet(os.path.join(options.folder, "audit")).createOrReplaceTempView("audit")
    with open(os.path.join(HERE, "complete.sql")) as f:
        faults = spark.sql(f.read().rstrip().rstrip(";")).toJSON().collect()
    for fault in faults:
        print(fault)
    return len(faults)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("-b", dest="bootstrap", required=True, metavar="HOST:PORT")
    parser.add_argument("--jars", required=True, metavar="FOLDER", help="where the jars of pom.xml are")
    parser.add_argument("-t", dest="topics", default="usher", metavar="PREFIX")
    parser.add_argument("-X", dest="set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--batch", default=BATCH, type=int, help="records of one batch, at most")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.check:
        sys.exit(1 if check(options) else 0)
    load(options)


if __name__ == "__main__":
    main()
