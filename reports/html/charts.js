// SPDX-License-Identifier: MIT
"use strict";
// The two dense charts, zoomable: dygraphs takes the place of the static pictures of requests and latency, with more buckets.
// Dragging zooms both, so do + and - on a chart that has the focus; a double click, the button or 0 shows the whole run
// again. Without dygraphs the pictures stay.
(function () {
  var source = document.getElementById("dense-data"), graphs = [], cursor = null;
  if (typeof Dygraph === "undefined" || !source) {
    return;
  }
  var data = JSON.parse(source.textContent);

  // Its legend sets a style attribute, which our policy refuses; the reading below each chart is ours.
  Dygraph.PLUGINS = Dygraph.PLUGINS.filter(function (plugin) { return plugin !== Dygraph.Plugins.Legend; });

  function rows(pick) {
    return data.rows.map(function (row, i) { return [i * data.width].concat(pick(row)); });
  }
  function number(v, unit) {
    return v === null || v === undefined || isNaN(v) ? "–" : Number(v.toPrecision(3)).toLocaleString("en") + unit;
  }

  // Whole powers of ten around all latencies, as in the picture.
  function decades() {
    var all = data.rows.map(function (row) { return [row[2], row[5]]; }).flat().filter(function (v) { return v > 0; });
    var low = Math.pow(10, Math.floor(Math.log10(Math.min.apply(null, all) * 0.8)));
    return all.length ? [low, Math.max(low * 10, Math.pow(10, Math.ceil(Math.log10(Math.max.apply(null, all)))))] : null;
  }

  // Where a logarithmic axis is marked: at powers of ten, and between them where there are few.
  function marks(low, high) {
    var between = high / low < 200 ? [1, 2, 5] : [1], all = [];
    for (var power = Math.pow(10, Math.floor(Math.log10(low))); power <= high * 1.001; power *= 10) {
      between.forEach(function (times) {
        if (power * times >= low * 0.999 && power * times <= high * 1.001) {
          all.push({v: power * times, label: number(power * times, " ms")});
        }
      });
    }
    return all;
  }

  function shade(context, area, g) {
    context.fillStyle = drtest.colour("fault");
    data.faults.forEach(function (window) {
      var x = Math.max(area.x, g.toDomXCoord(window[0])), to = Math.min(area.x + area.w, g.toDomXCoord(window[1]));
      if (to > x) {
        context.globalAlpha = 0.13;
        context.fillRect(x, area.y, to - x, area.h);
        context.globalAlpha = 1;
        context.fillRect(x, area.y, 1.2, area.h);
      }
    });
  }

  // The window keeps its width where it would leave the run.
  function look(g, from, width) {
    from = Math.max(0, Math.min(data.end - width, from));
    g.updateOptions({dateWindow: width > data.end * 0.999 ? [0, data.end] : [from, from + width]});
  }

  // Around the cursor if it is in sight, else around the middle; the window follows a cursor that leaves it.
  function zoom(g, event) {
    var times = {"+": 0.5, "=": 0.5, "-": 2, "0": Infinity, ArrowLeft: 1, ArrowRight: 1}[event.key];
    var shown = g.xAxisRange(), width = shown[1] - shown[0], inside = cursor !== null && cursor >= shown[0] && cursor <= shown[1];
    if (!times || event.ctrlKey || event.metaKey || event.altKey || (times === 1 && (cursor === null || inside))) {
      return;
    }
    event.preventDefault();
    var wanted = Math.max(data.width * 4, Math.min(data.end, width * times));
    var middle = inside || times === 1 ? cursor : (shown[0] + shown[1]) / 2;
    look(g, inside ? middle - (middle - shown[0]) / width * wanted : middle - wanted / 2, wanted);
  }

  function chart(name, rowsOf, labels, colours, unit, options) {
    var svg = document.querySelector("svg[aria-labelledby^='" + name + "']");
    if (!svg) {
      return;
    }
    var box = svg.closest(".chart"), live = drtest.make("div", {"class": "live"}), words = drtest.make("p", {"class": "reading"});
    var whole = drtest.make("button", {type: "button", "class": "whole", hidden: ""});
    whole.textContent = "Whole run";
    svg.after(live);
    box.after(words);
    box.append(whole);
    box.classList.add("has-live");
    var paint = function () {
      return {colors: colours.map(drtest.colour), axisLineColor: drtest.colour("muted"), gridLineColor: drtest.colour("grid")};
    };
    // The same margins as the pictures above and below, so that one can still look straight down.
    var fit = function () {
      var axis = box.dataset.axis.split(" ").map(Number), scale = live.clientWidth / axis[4];
      return {rightGap: (axis[4] - axis[3]) * scale, axes: {y: {axisLabelWidth: axis[2] * scale - 6}}};
    };
    var base = {
      labels: ["run time"].concat(labels), strokeWidth: 1.6, axisLabelFontSize: 11, highlightCircleSize: 3,
      dateWindow: [0, data.end], xRangePad: 0, underlayCallback: shade, animatedZooms: false, rightGap: fit().rightGap,
      axes: {
        x: {axisLabelFormatter: function (x) { return Number(x.toFixed(3)) + " s"; }},
        y: {axisLabelWidth: fit().axes.y.axisLabelWidth, axisLabelFormatter: function (y) { return number(y, unit); }}
      },
      highlightCallback: function (event, x) { drtest.cursor.set(x, "dygraphs"); },
      unhighlightCallback: function () { drtest.cursor.set(null, "dygraphs"); },
      drawCallback: function (g) {
        var shown = g.xAxisRange();
        whole.hidden = shown[0] <= 0 && shown[1] >= data.end;
      }
    };
    if (options.logscale) {
      base.axes.y.ticker = marks;
    }
    var g = new Dygraph(live, rows(rowsOf), Object.assign(base, paint(), options));
    whole.addEventListener("click", function () { look(g, 0, data.end); });
    box.addEventListener("keydown", function (event) { zoom(g, event); });
    drtest.recolour.push(function () { g.updateOptions(paint()); });
    window.addEventListener("resize", function () { g.updateOptions(fit()); });
    g.read = function (row) {
      words.textContent = "";
      if (row === null) {
        words.textContent = "Point at the chart for numbers; drag to zoom, or press + and - on it, 0 for the whole run.";
        return;
      }
      drtest.make("b", {}, words).textContent = (row * data.width).toFixed(2) + " s";
      rowsOf(data.rows[row]).forEach(function (value, i) {
        words.append(" " + labels[i] + " ");
        drtest.make("b", {}, words).textContent = number(value, unit);
      });
    };
    g.read(null);
    graphs.push(g);
  }

  function follow(t, by) {
    cursor = t;
    var row = t === null ? null : Math.max(0, Math.min(data.rows.length - 1, Math.floor(t / data.width)));
    graphs.forEach(function (g) {
      g.read(row);
      if (by === "dygraphs") {
        return; // it has selected already, and told the others
      }
      if (row === null) {
        g.clearSelection();
      } else {
        g.setSelection(row);
      }
    });
  }

  chart("traffic-chart", function (row) { return [row[1] / data.width, row[0] / data.width]; }, ["bad", "good"],
    ["bad", "good"], "/s", {stackedGraph: true, stepPlot: true, fillAlpha: 0.45, strokeWidth: 0.8, includeZero: true});
  chart("latency-chart", function (row) { return row.slice(2); }, ["p50", "p95", "p99", "largest"],
    ["blue", "warn", "bad", "muted"], " ms",
    {logscale: true, valueRange: decades(), series: {p95: {strokePattern: [6, 3]}, p99: {strokePattern: [2, 2]}, largest: {strokeWidth: 0.7}}});
  if (graphs.length > 1) {
    Dygraph.synchronize(graphs, {range: false});
  }
  drtest.cursor.listen(follow);
  document.documentElement.dataset.charts = String(graphs.length);
})();
