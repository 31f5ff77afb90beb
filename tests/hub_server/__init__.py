"""A small real server that speaks the Hugging Face Hub's protocol to huggingface_hub and datasets.

    with HubServer() as hub:
        # HF_ENDPOINT=hub.url HF_TOKEN=hub.write_token HF_HUB_DISABLE_XET=1
        hub.inject("POST", "/commit/", status=500)      # the next commit fails
        hub.repository("org/name").tags                 # what is there now
        hub.exchanges                                   # what was asked

Large files travel as on the Hub: a batch request, a PUT to a signed address, a verification; downloads are sent on
to another host, which must never see the token. Xet and multipart uploads are left out.
"""

from tests.hub_server.repository import Blob, Commit, HubError, Repository
from tests.hub_server.server import Exchange, HubServer

__all__ = ["Blob", "Commit", "Exchange", "HubError", "HubServer", "Repository"]
