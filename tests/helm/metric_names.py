"""The metrics that a text asks for: rules, dashboards, scaling."""
import re

SUFFIXES = ("_bucket", "_sum", "_count")


def metric_names(text):
    names = set(re.findall(r"\bparacord_[a-z_]+", text))
    return {next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end) and name.removesuffix(end) != name
                  and name.startswith("paracord_queue_seconds")), name) for name in names}
