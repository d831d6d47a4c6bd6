"""Holds SARIF logs against the schema: validate_sarif.py SCHEMA LOG...

Ends with 0 if all are valid; otherwise says what is not.
"""

import json
import pathlib
import sys

import fastjsonschema

schema, *logs = (json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:])
validate = fastjsonschema.compile(schema)
wrong = 0
for path, log in zip(sys.argv[2:], logs):
    try:
        validate(log)
    except fastjsonschema.JsonSchemaValueException as error:
        print(f"{path}: {error}")
        wrong = 1
sys.exit(wrong)
