"""A model that asks for a list of commands, one after the other, and the agent that asks it.

    python3 model.py SCRIPT -- AGENT ARGUMENT…

It listens on loopback, speaks as the models of OpenAI (chat completions and responses) and of Google
do, and starts the agent, with `{url}` in its arguments and its environment replaced by where it
listens. SCRIPT is JSON: `commands`; `watched`, texts by the paths of files; `seconds` that the agent
has. When the agent has ended, a JSON object is the last line of the output: `turns`, for each command
what the shell tool answered (`told`) and whether the watched files were as before (`held`; then they
are made anew), `requests`, and `said`, what the agent printed. In a network namespace of its own,
loopback is all there is.
"""

import fcntl
import http.server
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading

SHELL_TOOLS = ("bash", "shell_command", "exec_command", "shell", "run_shell_command")
SCRIPT = {}
TURNS = []
SEEN = []


def loopback_up():
    """As `ip link set lo up`; nothing happens where it is up already or may not be."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            name = b"lo".ljust(16, b"\0")
            flags = struct.unpack_from("16xh", fcntl.ioctl(any_socket, 0x8913, name + bytes(16)))[0]
            if not flags & 1:
                fcntl.ioctl(any_socket, 0x8914, name + struct.pack("h14x", flags | 1))
        except OSError:
            pass


def arguments(schema, command):
    """A call of this tool, in the form that it declares."""
    properties = schema.get("properties", {})
    if "cmd" in properties:
        return {"cmd": command, "yield_time_ms": 20000}
    if properties.get("command", {}).get("type") == "array":
        return {"command": ["bash", "-lc", command]}
    call = {"command": command}
    if "description" in properties:
        call["description"] = "what was asked for"
    return call


def held():
    """Whether the watched files are as they were; afterwards they are."""
    whole = True
    for name, text in SCRIPT["watched"].items():
        path = pathlib.Path(name)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            whole = False
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return whole


def turn(tools, results):
    """What the model says next: a call of the shell tool, or words."""
    shell = next(((name, tools[name]) for name in SHELL_TOOLS if name in tools), None)
    if shell is None:
        return None
    commands = SCRIPT["commands"]
    for told in results[len(TURNS) :]:
        TURNS.append({"told": told, "held": held()})
    if len(results) >= len(commands):
        return None
    name, schema = shell
    return name, arguments(schema, commands[len(results)]), f"call_{len(results)}"


def text_of(content):
    """Words from a tool's answer, however it is packed."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text_of(part.get("text", "")) for part in content)
    return json.dumps(content)


def chat(body):
    tools = {t["function"]["name"]: t["function"].get("parameters", {}) for t in body.get("tools", [])}
    results = [text_of(m["content"]) for m in body["messages"] if m["role"] == "tool"]
    call = turn(tools, results)
    if call is None:
        delta, reason = {"role": "assistant", "content": "Done."}, "stop"
    else:
        name, given, number = call
        function = {"name": name, "arguments": json.dumps(given)}
        delta = {
            "role": "assistant",
            "tool_calls": [{"index": 0, "id": number, "type": "function", "function": function}],
        }
        reason = "tool_calls"
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    yield None, {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield None, {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage}
    yield None, "[DONE]"


def responses(body):
    tools = {t["name"]: t.get("parameters", {}) for t in body.get("tools", []) if t.get("type") == "function"}
    results = [text_of(i["output"]) for i in body["input"] if i.get("type") == "function_call_output"]
    call = turn(tools, results)
    if call is None:
        words = {"type": "output_text", "text": "Done.", "annotations": []}
        item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [words]}
    else:
        name, given, number = call
        item = {"type": "function_call", "id": f"f{number}", "call_id": number, "name": name}
        item |= {"arguments": json.dumps(given), "status": "completed"}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    answer = {"id": "r", "object": "response", "status": "completed", "output": [item], "usage": usage}
    yield "response.created", {"type": "response.created", "response": {"id": "r"}}
    yield "response.output_item.done", {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield "response.completed", {"type": "response.completed", "response": answer}


def gemini(body):
    tools = {}
    for tool in body.get("tools", []):
        for function in tool.get("functionDeclarations", []):
            schema = function.get("parametersJsonSchema") or function.get("parameters") or {}
            tools[function["name"]] = schema
    parts = [part for content in body["contents"] for part in content.get("parts", [])]
    answers = [part["functionResponse"]["response"] for part in parts if "functionResponse" in part]
    results = [text_of(answer.get("output", answer.get("error", answer))) for answer in answers]
    call = turn(tools, results)
    if call is None:
        part = {"text": "Done."}
    else:
        name, given, number = call
        part = {"functionCall": {"id": number, "name": name, "args": given}}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    yield None, {"candidates": [candidate], "usageMetadata": usage}


class Model(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, kind, payload, code=200):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def do_GET(self):
        SEEN.append(f"GET {self.path}")
        self.answer("application/json", b'{"data": [], "models": []}', 404)

    def do_POST(self):
        SEEN.append(f"POST {self.path}")
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        speak = None
        if path.endswith("/chat/completions"):
            speak = chat
        elif path.endswith("/responses"):
            speak = responses
        elif path.endswith((":generateContent", ":streamGenerateContent")):
            speak = gemini
        if speak is None:
            self.answer("application/json", b"{}", 404)
            return
        said = list(speak(json.loads(raw)))
        if path.endswith(":generateContent"):
            self.answer("application/json", json.dumps(said[0][1]).encode())
            return
        lines = []
        for event, data in said:
            if event:
                lines.append(f"event: {event}\n")
            lines.append(f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n")
        self.answer("text/event-stream", "".join(lines).encode())


def main():
    SCRIPT.update(json.loads(sys.argv[1]))
    loopback_up()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    words = [word.replace("{url}", url) for word in sys.argv[3:]]
    environment = {name: value.replace("{url}", url) for name, value in os.environ.items()}
    agent = subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    late = threading.Timer(SCRIPT["seconds"], os.killpg, [agent.pid, signal.SIGKILL])
    late.start()
    said = agent.communicate()[0].decode(errors="replace")
    late.cancel()
    try:
        os.killpg(agent.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    print(json.dumps({"turns": TURNS, "requests": SEEN, "said": said[-4000:], "code": agent.returncode}))


main()
