# Verifies tokens with Authlib, for as long as orders come on standard input. Authlib leaves it to its user to keep the
# keys: `get_jwks` is theirs to write, and here it keeps them until the max-age of their answer is over.
import json
import re
import sys
import time

import requests
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet

setting = json.loads(sys.argv[1])
order = {"now": 0}
# Authlib asks the machine for the time; the orders have the server's.
time.time = lambda: order["now"]


class Validator(JWTBearerTokenValidator):
    keys = None
    fresh_until = 0
    fetches = 0

    def get_jwks(self):
        if time.time() >= self.fresh_until:
            reply = requests.get(setting["jwksUri"], timeout=10)
            reply.raise_for_status()
            self.keys = KeySet.import_key_set(reply.json())
            self.fresh_until = time.time() + int(re.search(r"max-age=(\d+)", reply.headers["Cache-Control"])[1])
            self.fetches += 1
        return self.keys


validator = Validator(issuer=setting["issuer"], resource_server=setting["audience"])


def error_of(token):
    try:
        validator.validate_token(validator.authenticate_token(token), [], None)
    except Exception as error:
        return f"{type(error).__name__}: {error.__cause__ or error}"


for line in sys.stdin:
    order = json.loads(line)
    errors = [error_of(token) for token in order["tokens"]]
    print(json.dumps({"errors": errors, "fetches": validator.fetches}), flush=True)
