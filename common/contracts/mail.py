"""What mail says."""

from common.contracts.message import Reply


class MailAccepted(Reply, frozen=True, kw_only=True, tag="evt.mail.mail_accepted"):
    """The mail is written down and will be sent; SMTP may not have taken it yet."""
