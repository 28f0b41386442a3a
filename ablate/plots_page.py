"""The page template of `dvc plots`, with Vega in it, so that plots are drawn without a network; changed studies first.

DVC's own template loads Vega from the network and stays blank offline. `make` writes this one and names it in
`.dvc/config.local`; it is not in the repository because it holds a megabyte of third-party code.
"""

from importlib.resources import files
from pathlib import Path

from pipeline.core import console
from pipeline.core.files import replacing

PATH = Path(".dvc/plots/page.html")

# DVC replaces {plot_divs}; {scripts}, left out here, would become the addresses of Vega in the network
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>dvc plots</title>
<style>
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em; color: #222; background: #fff; }
body > div { margin-bottom: 3em; overflow-x: auto; }
table { border-spacing: 15px; }
/* two revisions side by side; no frame around a plot without a file */
img { max-width: 44vw; height: auto; }
.vega-embed:has(.marks[width="0"]) { display: none; }
</style>
<script>
VEGA
(function (embed) {
  // the tables of studies and measurements, by the id of their element: do their rows differ between revisions?
  const tables = new Map();
  function differs(rows) {
    const revisions = new Map();
    for (const {rev, ...row} of rows) revisions.set(rev, (revisions.get(rev) || "") + JSON.stringify(row));
    return new Set(revisions.values()).size > 1;
  }
  window.vegaEmbed = function (place, spec) {
    const table = /^#(.*)(?:reports_results|data_curves)_(.*)_csv$/.exec(place);
    const key = table && table[1] + "reports_figures_" + table[2] + "_";
    if (key) tables.set(key, tables.get(key) || differs(spec.data.values));
    // the default is a canvas, whose marks have no labels for screen readers
    return embed(place, spec, {renderer: "svg"});
  };
  document.addEventListener("DOMContentLoaded", function () {
    const changed = [];
    for (const plot of document.querySelectorAll("body > div")) {
      const id = plot.id.replace(/(?:reports_results|data_curves)_(.*)_csv$/, "reports_figures_$1_");
      const keys = [...tables.keys()].filter((key) => id.startsWith(key)).sort((a, b) => b.length - a.length);
      if (keys.length && tables.get(keys[0])) changed.push(plot);
    }
    document.querySelector("h1").after(...changed);
  });
})(vegaEmbed);
</script>
</head>
<body>
<h1>dvc plots</h1>
{plot_divs}
</body>
</html>
"""


def write(path: Path = PATH) -> None:
    """Write the page, by default that of the project in the current folder."""
    # Vega's own builds for browsers, one after the other; "</script" would end the element
    script = files("js_lib_vega_embed").joinpath("static", "js_lib_vega_embed", "vega-embed-full.js")
    bundle = script.read_text(encoding="utf-8").replace("</script", "<\\/script")
    with replacing(path) as temporary:
        temporary.write_text(PAGE.replace("VEGA", bundle), encoding="utf-8")


if __name__ == "__main__":
    console.run(lambda _: write())
