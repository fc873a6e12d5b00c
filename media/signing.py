"""Links to upload one file of one length: of headers the minio client signs nothing but the host."""

import hashlib
import hmac
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
SIGNED = "content-length;host"


class Signer(NamedTuple):
    """AWS Signature Version 4, in the query."""

    user: str
    password: str
    region: str

    def put(self, url: str, *, size: int, now: datetime, seconds: int) -> str:
        """Good for so long, and for exactly so many bytes: the store refuses any other Content-Length."""
        at = urlsplit(url)
        day, moment = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{day}/{self.region}/s3/aws4_request"
        query = urlencode(
            {
                "X-Amz-Algorithm": ALGORITHM,
                "X-Amz-Credential": f"{self.user}/{scope}",
                "X-Amz-Date": moment,
                "X-Amz-Expires": str(seconds),
                "X-Amz-SignedHeaders": SIGNED,
            },
            quote_via=quote,
            safe="",
        )
        headers = f"content-length:{size}\nhost:{at.netloc}\n"
        asked = f"PUT\n{at.path}\n{query}\n{headers}\n{SIGNED}\nUNSIGNED-PAYLOAD"
        signed = f"{ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
        key = f"AWS4{self.password}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, signed.encode(), "sha256").hex()
        return f"{url}?{query}&X-Amz-Signature={signature}"
