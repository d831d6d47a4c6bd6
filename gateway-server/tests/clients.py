"""Asks a gateway through the official SDKs, as anybody's program would.

usage: clients.py (openai|anthropic) BASE_URL MODEL WHAT

WHAT is chat, stream, tools, error, embed or count. Prints one JSON object of what the SDK gave back.
"""

import json
import sys

sdk, base, model, what = sys.argv[1:]
QUESTION = [{"role": "user", "content": "What does a baud rate register do?"}]
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}


def ask_openai():
    import openai

    client = openai.OpenAI(base_url=base + "/v1", api_key="sk-client", max_retries=0, timeout=120)
    try:
        if what == "embed":
            texts = ["a baud rate divider", "a baud rate divider", "spring flowers"]
            vectors = client.embeddings.create(model=model, input=texts, encoding_format="float")
            vectors = [item.embedding for item in vectors.data]
            like = [sum(a * b for a, b in zip(vectors[0], other)) for other in vectors[1:]]
            return {"numbers": [len(vector) for vector in vectors], "like": like}
        common = {"model": model, "messages": QUESTION, "max_tokens": 24, "temperature": 0}
        if what == "chat":
            answer = client.chat.completions.create(**common)
            choice = answer.choices[0]
            return {"text": choice.message.content, "finish": choice.finish_reason}
        if what == "tools":
            function = {"name": "reg", "description": "Look up", "parameters": SCHEMA}
            common["tools"] = [{"type": "function", "function": function}]
        text, arguments, finish = "", "", None
        for chunk in client.chat.completions.create(stream=True, **common):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                for call in choice.delta.tool_calls or []:
                    arguments += call.function.arguments or ""
                finish = choice.finish_reason or finish
        return {"text": text, "arguments": arguments, "finish": finish}
    except openai.APIError as error:
        return {"error": type(error).__name__, "message": str(error)}


def ask_anthropic():
    import anthropic

    client = anthropic.Anthropic(base_url=base, api_key="sk-client", max_retries=0, timeout=120)
    common = {"model": model, "messages": QUESTION, "max_tokens": 24}
    try:
        if what == "count":
            counted = client.messages.count_tokens(model=model, messages=QUESTION)
            return {"tokens": counted.input_tokens}
        if what == "chat":
            answer = client.messages.create(**common)
            return {"text": answer.content[0].text, "finish": answer.stop_reason}
        if what == "tools":
            common["tools"] = [{"name": "reg", "description": "Look up", "input_schema": SCHEMA}]
        with client.messages.stream(**common) as stream:
            answer = stream.get_final_message()
        text = "".join(block.text for block in answer.content if block.type == "text")
        calls = [block.input for block in answer.content if block.type == "tool_use"]
        return {"text": text, "arguments": json.dumps(calls), "finish": answer.stop_reason}
    except anthropic.APIError as error:
        return {"error": type(error).__name__, "message": str(error)}


print(json.dumps({"openai": ask_openai, "anthropic": ask_anthropic}[sdk]()))
