"""moto on loopback, and beside it Python that speaks to it past the AWS CLI.

Prints the port. Then each line of standard input is a script, as a JSON string: `c(service)` gives a client.
Each is answered by one line: what it printed, or how it failed. Ends with standard input.
"""

import gc
import json
import os
import sys
import traceback

import boto3
from moto.server import ThreadedMotoServer

# scripts/aws/test-tools turns it off for the CLI, whose processes end soon.
gc.enable()
CLIENTS = {}


def client(name):
    if name not in CLIENTS:
        CLIENTS[name] = boto3.client(name, endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    return CLIENTS[name]


def run(script):
    said = []
    try:
        exec(script, {"c": client, "print": lambda *words: said.append(" ".join(map(str, words)))})
    except Exception:
        return {"error": traceback.format_exc()}
    return {"said": "\n".join(said)}


server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
PORT = server.get_host_and_port()[1]
ENDPOINT = f"http://127.0.0.1:{PORT}"
print(PORT, flush=True)
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
os._exit(0)
