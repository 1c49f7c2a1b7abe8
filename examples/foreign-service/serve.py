"""A service that is not Slipway's, in another language: it serves its own two models, asks Slipway only who gets which,
and tells it what happened by publishing to Kafka with an ordinary client.

    pip install -r requirements.txt
    python serve.py --router http://127.0.0.1:8000 --brokers 127.0.0.1:9092 --endpoint fraud --seconds 60

Half of its events are CloudEvents 1.0 in binary mode (headers ce_*, the value is the row), half are bare rows: they
count the same. Prints what it sent as one line of JSON.
"""

import argparse
import json
import os
import random
import time
import urllib.request
import uuid

from kafka import KafkaProducer

args = argparse.ArgumentParser()
args.add_argument("--router", default="http://127.0.0.1:8000")
args.add_argument("--brokers", default="127.0.0.1:9092")
args.add_argument("--endpoint", default="fraud")
args.add_argument(
    "--topic-prefix",
    default=os.environ.get("TOPIC_PREFIX", ""),
    help="what the deployment puts before the names of its topics, such as staging.",
)
args.add_argument(
    "--key",
    default=os.environ.get("SLIPWAY_KEY", ""),
    help="an API key, for a router that asks for one; better in SLIPWAY_KEY, which others cannot list",
)
args.add_argument("--seconds", type=float, default=60, help="longest run; it ends earlier when the rollout has ended")
args.add_argument("--per-second", type=float, default=100)
args.add_argument("--candidate-errors", type=float, default=0.0, help="share of requests on which the candidate fails")
args = args.parse_args()

producer = KafkaProducer(bootstrap_servers=args.brokers, acks="all", linger_ms=50)
sent = {"predictions": 0, "outcomes": 0, "pairs": 0, "arms": {"control": 0, "candidate": 0}}


def publish(topic, key, row):
    """A CloudEvent in binary mode, or a bare row; every tenth event twice, as nervous networks do: it counts once."""
    event_id = row["event_id"]
    headers = []
    if random.random() < 0.5:
        row = {k: v for k, v in row.items() if k != "event_id"}
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", event_id.encode()),
            ("ce_type", topic.encode()),
            ("ce_source", b"/fraud-service"),
            ("content-type", b"application/json"),
        ]
    for _ in range(2 if random.random() < 0.1 else 1):
        producer.send(args.topic_prefix + topic, json.dumps(row).encode(), key=key, headers=headers)


def assign(user):
    """Which arm this user is in: exactly as the router would decide."""
    body = json.dumps({"endpoint": args.endpoint, "unit": user}).encode()
    headers = {"content-type": "application/json"}
    if args.key:
        headers["authorization"] = "Bearer " + args.key
    request = urllib.request.Request(args.router + "/v1/assignments", body, headers)
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)


def answer(arm, amount):
    """Our two models: both ask whether the amount is suspicious. @returns status, answer"""
    if arm == "candidate" and random.random() < args.candidate_errors:
        return 500, {"error": "the candidate broke"}
    return 200, {
        "outputs": [
            {
                "name": "fraud",
                "datatype": "INT64",
                "shape": [1, 1],
                "data": [int(amount > (950 if arm == "candidate" else 949))],
            }
        ]
    }


began = time.time()
met_rollout = False
while time.time() - began < args.seconds:
    user = "user-%d" % random.randrange(1_000_000)
    amount = random.randrange(1000)
    a = assign(user)
    met_rollout = met_rollout or a["rollout_id"] != ""
    if met_rollout and a["rollout_id"] == "" and a["shadow"] is None:
        break
    started = time.perf_counter()
    status, given = answer(a["assigned_arm"], amount)
    request_id = str(uuid.uuid4())
    publish(
        "slipway.predictions.v1",
        None,
        {
            "event_id": str(uuid.uuid4()),
            "type": "slipway.prediction.v1",
            "source": "fraud-service",
            "time": int(time.time() * 1000),
            "request_id": request_id,
            "endpoint": args.endpoint,
            "rollout_id": a["rollout_id"],
            "step": a["step"],
            "route_revision": a["route_revision"],
            "unit": user,
            "assigned_arm": a["assigned_arm"],
            "probability": a["probability"],
            "reason": a["reason"],
            "served_version": a["version"],
            "fallback_from": "",
            "status": status,
            "error_code": "" if status == 200 else "broke",
            "latency_us": int((time.perf_counter() - started) * 1e6),
            "queue_us": 0,
            "compute_us": 0,
            "batch_size": 1,
            "cost": 0.0001,
            # what labels are compared with: each output as text, by its name
            "outputs": {o["name"]: str(o["data"][0]) for o in given.get("outputs", [])},
            "request": {"amount": amount},
            "response": given,
            "router": "",
            "boot": "",
            "sequence": 0,
        },
    )
    sent["predictions"] += 1
    sent["arms"][a["assigned_arm"]] += 1
    # what became of it: the label is known at once here, and known only to us
    publish(
        "slipway.outcomes.v1",
        None,
        {
            "event_id": str(uuid.uuid4()),
            "type": "slipway.outcome.v1",
            "source": "fraud-service",
            "time": int(time.time() * 1000),
            "endpoint": args.endpoint,
            "name": "label",
            "value": int(amount > 949),
            "unit": "",
            "request_id": request_id,
        },
    )
    sent["outcomes"] += 1
    if a["shadow"] and a["shadow"]["sampled"]:
        # a shadow step is under way: we run both models ourselves
        shadowed, other = answer("candidate", amount)
        pair = {
            "event_id": str(uuid.uuid4()),
            "time": int(time.time() * 1000),
            "request_id": request_id,
            "endpoint": args.endpoint,
            "rollout_id": a["shadow"]["rollout_id"],
            "step": a["shadow"]["step"],
            "control": given,
            "candidate": other,
        }
        if shadowed != 200:
            pair.update(result="failed", reason="candidate_error", candidate=None)
        publish("slipway.shadow-pairs.v1", request_id.encode(), pair)
        sent["pairs"] += 1
    time.sleep(max(0.0, 1 / args.per_second - (time.perf_counter() - started)))
producer.flush()
print(json.dumps(sent))
