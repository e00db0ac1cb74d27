// SPDX-License-Identifier: MIT
"use strict";
// The two dense charts, zoomable: dygraphs takes the place of the static pictures of requests and latency, with more buckets.
// Dragging zooms both, a double click or the button shows the whole run again. Without dygraphs the pictures stay.
(function () {
  var source = document.getElementById("dense-data"), graphs = [];
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
    var paint = function () { return colours.map(drtest.colour); };
    var base = {
      labels: ["run time"].concat(labels), colors: paint(), strokeWidth: 1.6, axisLineColor: drtest.colour("muted"),
      gridLineColor: drtest.colour("grid"), axisLabelFontSize: 11, rightGap: 16,
      highlightCircleSize: 3, dateWindow: [0, data.end], xRangePad: 0, underlayCallback: shade, animatedZooms: false,
      axes: {
        x: {drawGrid: true, axisLabelFormatter: function (x) { return Number(x.toFixed(3)) + " s"; }},
        y: {axisLabelWidth: 58, axisLabelFormatter: function (y) { return number(y, unit); }}
      },
      highlightCallback: function (event, x) { drtest.cursor.set(x, "dygraphs"); },
      unhighlightCallback: function () { drtest.cursor.set(null, "dygraphs"); },
      drawCallback: function (g) { whole.hidden = !g.isZoomed("x"); }
    };
    var g = new Dygraph(live, rows(rowsOf), Object.assign(base, options));
    whole.addEventListener("click", function () { g.resetZoom(); });
    drtest.recolour.push(function () {
      g.updateOptions({colors: paint(), axisLineColor: drtest.colour("muted"), gridLineColor: drtest.colour("grid")});
    });
    g.read = function (row) {
      words.textContent = "";
      if (row === null) {
        words.textContent = "Point at the chart for numbers; drag to zoom.";
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
    ["bad", "good"], "/s", {stackedGraph: true, stepPlot: true, fillAlpha: 0.45, includeZero: true});
  chart("latency-chart", function (row) { return row.slice(2); }, ["p50", "p95", "p99", "largest"],
    ["blue", "warn", "bad", "muted"], " ms",
    {logscale: true, series: {p95: {strokePattern: [6, 3]}, p99: {strokePattern: [2, 2]}, largest: {strokeWidth: 0.7}}});
  if (graphs.length > 1) {
    Dygraph.synchronize(graphs, {range: false});
  }
  drtest.cursor.listen(follow);
  document.documentElement.dataset.charts = String(graphs.length);
})();
