"""Asks an MCP server over stdio with the official SDK, and tells what came of it as JSON.

    mcp_client.py {auto|handshake} COMMAND [ARGUMENT…] < calls.json

`auto` begins as protocol 2026-07-28 does, `handshake` with `initialize`. The calls are pairs of a
tool's name and its arguments. The SDK holds each answer's structured content against the tool's
output schema and raises where it does not fit.
"""

import asyncio
import json
import sys

from jsonschema import Draft202012Validator
from mcp import Client, ClientSession, MCPError, StdioServerParameters, stdio_client


async def ask(session, calls):
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    for tool in tools.values():
        Draft202012Validator.check_schema(tool.input_schema)
        Draft202012Validator.check_schema(tool.output_schema)
    answers = []
    for name, arguments in calls:
        try:
            result = await session.call_tool(name, arguments)
        except MCPError as error:
            answers.append({"refused": error.error.message, "code": error.error.code})
            continue
        fits = name in tools and Draft202012Validator(tools[name].input_schema).is_valid(arguments)
        if not result.is_error:
            Draft202012Validator(tools[name].output_schema).validate(result.structured_content)
        answers.append(
            {
                "is_error": bool(result.is_error),
                "text": "\n".join(part.text for part in result.content),
                "structured": result.structured_content,
                "arguments_fit": fits,
            }
        )
    return {
        "version": session.protocol_version,
        "server": session.server_info.name if session.server_info else None,
        "tools": sorted(tools),
        "answers": answers,
    }


async def main():
    mode, command, *arguments = sys.argv[1:]
    calls = json.load(sys.stdin)
    server = StdioServerParameters(command=command, args=arguments)
    if mode == "auto":
        async with Client(server) as client:
            told = await ask(client.session, calls)
    else:
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            told = await ask(session, calls)
    print(json.dumps(told))


asyncio.run(main())
