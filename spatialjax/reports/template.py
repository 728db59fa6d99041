"""The pages' templates, filled in with text that stays text."""

import jinja2


def template_environment() -> jinja2.Environment:
    """Templates beside this file; what is put in is escaped, what lacks is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("spatialjax.reports"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
