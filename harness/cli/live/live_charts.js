// SPDX-License-Identifier: MIT
"use strict";
// The pictures of a running drill, drawn as the report draws them: the same margins, so that one can look straight down from
// a fault to what it did. Each is drawn anew from all that is known; the time axis is as long as the run is planned to be.
drtest.live = (function () {
  var LEFT = 148, RIGHT = 1064, ns = "http://www.w3.org/2000/svg";
  // How a state looks: its colour, how much of it, and the hatching.
  var looks = {starting: ["sky", 0.45], up: ["good", 0.4], drifted: ["warn", 0.3, "fault"], degraded: ["warn", 0.45, "warn"],
    frozen: ["sky", 0.35, "sky"], down: ["bad", 0.4, "bad"]};

  function shape(parent, name, attributes, words) {
    var e = document.createElementNS(ns, name);
    Object.keys(attributes).forEach(function (key) { e.setAttribute(key, attributes[key]); });
    if (words && name === "text") {
      e.textContent = words;
    } else if (words) {
      shape(e, "title", {}).textContent = words;
    }
    parent.append(e);
    return e;
  }

  function step(span, wanted) {
    var raw = span / wanted, power = Math.pow(10, Math.floor(Math.log10(raw))), times = raw / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
  }

  // One picture: where an instant is, and the parts that all pictures have.
  function picture(id, end, height) {
    var svg = document.getElementById(id), fresh = shape(svg, "g", {"class": "drawing"});
    svg.querySelector(".drawing").replaceWith(fresh);
    svg.setAttribute("viewBox", "0 0 1080 " + height);
    svg.setAttribute("height", height);
    return {g: fresh, end: end, x: function (t) { return LEFT + Math.max(0, Math.min(1, t / end)) * (RIGHT - LEFT); }};
  }

  function axis(p, top, bottom) {
    var by = step(p.end, 10);
    for (var i = 0; i * by <= p.end; i++) {
      shape(p.g, "line", {"class": "k-grid", x1: p.x(i * by), x2: p.x(i * by), y1: top, y2: bottom});
      shape(p.g, "text", {"class": "f-muted", x: p.x(i * by), y: bottom + 16, "text-anchor": "middle", "font-size": 11}, Number((i * by).toFixed(1)) + " s");
    }
  }

  function values(p, y, words) {
    shape(p.g, "line", {"class": "k-grid", x1: LEFT, x2: RIGHT, y1: y, y2: y});
    shape(p.g, "text", {"class": "f-muted", x: LEFT - 8, y: y + 4, "text-anchor": "end", "font-size": 11}, words);
  }

  function faults(p, bands, now, top, height) {
    bands.forEach(function (band) {
      var x = p.x(band.from), to = p.x(band.to === null ? now : band.to);
      shape(p.g, "rect", {"class": "f-fault", x: x, y: top, width: Math.max(1, to - x), height: height, "fill-opacity": 0.13});
      shape(p.g, "line", {"class": "k-fault", x1: x, x2: x, y1: top, y2: top + height, "stroke-width": 1.2});
      if (band.to !== null) {
        shape(p.g, "line", {"class": "k-fault", x1: to, x2: to, y1: top, y2: top + height, "stroke-width": 1.2, "stroke-dasharray": "3 3"});
      }
    });
  }

  function label(p, y, name, sub) {
    var g = shape(p.g, "g", {}, name), cut = name.length > 20 ? name.slice(0, 19) + "…" : name;
    shape(g, "text", {"class": sub === undefined ? "f-muted" : "f-ink", x: LEFT - 12, y: y, "text-anchor": "end", "font-size": sub === undefined ? 11 : 12,
      "font-weight": sub === undefined ? 400 : 600}, cut);
    if (sub) {
      shape(g, "text", {"class": "f-muted", x: LEFT - 12, y: y + 14, "text-anchor": "end", "font-size": 10}, sub);
    }
  }

  function state(parent, x, y, width, height, word, words) {
    var look = looks[word];
    shape(parent, "rect", {"class": "f-" + look[0], x: x, y: y, width: width, height: height, "fill-opacity": look[1]}, words);
    if (look[2]) {
      shape(parent, "rect", {fill: "url(#hatch-" + look[2] + ")", x: x, y: y, width: width, height: height, "pointer-events": "none"});
    }
  }

  function spans(p, list, now, y, height, who) {
    list.forEach(function (span) {
      var to = span.to === null ? now : span.to, x = p.x(span.from), width = p.x(to) - x;
      if (looks[span.state] && width > 0.05) {
        state(p.g, x, y, Math.max(width, 0.8), height, span.state, who + ": " + span.state + " from " + span.from.toFixed(3) + (span.to === null ? " s on" : " to " + to.toFixed(3) + " s"));
      }
    });
  }

  // The share of the good answers that a region gave, as a step area.
  function served(p, seconds, site, y, height) {
    var d = "";
    seconds.forEach(function (s) {
      var good = s.sites.reduce(function (sum, one) { return sum + one[0]; }, 0), share = good ? Math.min(1, s.sites[site][2] / good) : 0;
      d += (d ? "" : "M" + p.x(s.from).toFixed(1) + " " + (y + height)) + "V" + (y + height - share * height).toFixed(1) + "H" + p.x(s.to).toFixed(1);
    });
    if (d) {
      shape(p.g, "path", {"class": "f-sky", d: d + "V" + (y + height) + "Z", "fill-opacity": 0.7});
    }
  }

  // A dot where clients changed their endpoint; no more of them than the report has.
  function moves(p, list, y, who) {
    list.slice(0, 400).forEach(function (move) {
      shape(p.g, "circle", {"class": "f-ink", cx: p.x(move.at), cy: y, r: 3.2}, who + " went to " + move.to + " at " + move.at.toFixed(3) + " s");
    });
  }

  // What the faults are, in words, above all lanes; those that overlap stand below each other, five at most.
  function faultRows(bands) {
    var ends = [];
    bands.forEach(function (band) {
      var row = ends.findIndex(function (end) { return end !== null && end <= band.from; });
      row = row < 0 ? Math.min(ends.length, 4) : row;
      ends[row] = band.to;
      band.row = row;
    });
    return ends.length;
  }

  function faultWords(p, bands, now, y) {
    bands.forEach(function (band) {
      var x = p.x(band.from), to = p.x(band.to === null ? now : band.to), top = y + band.row * 18, left = x > RIGHT - 220;
      shape(p.g, "rect", {"class": "f-fault", x: x, y: top, width: Math.max(2, to - x), height: 14, "fill-opacity": 0.55}, band.words);
      shape(p.g, "text", {"class": "f-ink k-paper", x: left ? x - 6 : x + 6, y: top + 11, "text-anchor": left ? "end" : "start", "font-size": 11, "stroke-width": 3,
        "stroke-linejoin": "round", "paint-order": "stroke"}, band.words);
    });
  }

  function lanes(model) {
    var nodes = model.lanes.filter(function (lane) { return lane.node; }).length <= 40, rows = faultRows(model.bands);
    var shown = model.lanes.filter(function (lane) { return nodes || !lane.node; });
    var vantages = model.sites.map(function (site, i) { return {name: site.name, kind: site.kind, at: i}; }).filter(function (site) { return site.kind === "vantage"; });
    var height = shown.reduce(function (sum, lane) { return sum + (lane.node ? 15 : 62); }, Math.max(1, rows) * 18 + 26) + vantages.length * 34;
    var p = picture("lanes-chart", model.end, height + 30), y = Math.max(1, rows) * 18 + 4;
    axis(p, 0, height);
    faults(p, model.bands, model.now, 0, height);
    label(p, 13, "faults");
    faultWords(p, model.bands, model.now, 2);
    shown.forEach(function (lane) {
      if (lane.node) {
        label(p, y + 9, lane.name);
        spans(p, lane.spans, model.now, y, 10, lane.name);
        y += 15;
        return;
      }
      y += 10;
      label(p, y + 14, lane.name, model.sites[lane.site].role);
      spans(p, lane.spans, model.now, y, 18, lane.name);
      lane.leads.forEach(function (span) {
        var x = p.x(span.from), to = p.x(span.to === null ? model.now : span.to);
        shape(p.g, "rect", {"class": "f-blue", x: x, y: y + 20, width: Math.max(1, to - x), height: 4}, lane.name + " led from " + span.from.toFixed(3) + " s");
      });
      served(p, model.seconds, lane.site, y + 26, 16);
      y += 52;
    });
    y += 12;
    vantages.forEach(function (site) {
      label(p, y + 14, site.name, "clients");
      spans(p, model.clients[site.at], model.now, y, 18, site.name);
      moves(p, model.moves[site.at], y + 9, site.name);
      y += 34;
    });
  }

  function legend() {
    var p = document.getElementById("lanes-legend");
    function entry(words, draw) {
      var span = drtest.make("span", {}, p), svg = shape(span, "svg", {width: 22, height: 12, viewBox: "0 0 22 12", "aria-hidden": "true"});
      draw(svg);
      span.append(words);
    }
    Object.keys(looks).forEach(function (word) { entry(word, function (svg) { state(svg, 0, 0, 22, 12, word); }); });
    entry("leads", function (svg) { shape(svg, "rect", {"class": "f-blue", y: 4, width: 22, height: 4}); });
    entry("share of answers served", function (svg) { shape(svg, "path", {"class": "f-sky", d: "M0 12V8H7V2H22V12Z", "fill-opacity": 0.7}); });
    entry("clients changed endpoint", function (svg) { shape(svg, "circle", {"class": "f-ink", cx: 11, cy: 6, r: 3.2}); });
    entry("fault in force", function (svg) { shape(svg, "rect", {"class": "f-fault", width: 22, height: 12, "fill-opacity": 0.35}); });
  }

  function traffic(model) {
    var TOP = 10, HEIGHT = 150, bottom = TOP + HEIGHT, p = picture("traffic-chart", model.end, bottom + 26), good = "", bad = "";
    var most = Math.max.apply(null, model.seconds.map(function (s) { return (s.good + s.bad) / (s.to - s.from); }).concat([1]));
    var by = step(most, 4);
    most = Math.ceil(most / by - 1e-9) * by;
    axis(p, TOP, bottom);
    for (var i = 0; i * by <= most * 1.0001; i++) {
      values(p, bottom - i * by / most * HEIGHT, Number((i * by).toFixed(1)) + "/s");
    }
    faults(p, model.bands, model.now, TOP, HEIGHT);
    model.seconds.forEach(function (s) {
      var x = p.x(s.from).toFixed(1), to = p.x(s.to).toFixed(1), scale = HEIGHT / (most * (s.to - s.from)), split = bottom - s.good * scale;
      good += s.good ? "M" + x + " " + bottom + "V" + split.toFixed(1) + "H" + to + "V" + bottom + "Z" : "";
      bad += s.bad ? "M" + x + " " + split.toFixed(1) + "V" + (split - s.bad * scale).toFixed(1) + "H" + to + "V" + split.toFixed(1) + "Z" : "";
    });
    shape(p.g, "path", {"class": "f-good", d: good || "M0 0", "fill-opacity": 0.4});
    shape(p.g, "path", {"class": "f-bad", d: bad || "M0 0", "fill-opacity": 0.55});
    shape(p.g, "path", {fill: "url(#hatch-bad)", d: bad || "M0 0"});
    shape(p.g, "line", {"class": "k-muted", x1: LEFT, x2: RIGHT, y1: bottom, y2: bottom});
  }

  function line(p, seconds, key, y, attributes) {
    var d = "", drawing = false;
    seconds.forEach(function (s) {
      if (s[key] > 0) {
        d += (drawing ? "L" : "M") + p.x((s.from + s.to) / 2).toFixed(1) + " " + y(s[key]).toFixed(1) + (drawing ? "" : "h0.6");
      }
      drawing = s[key] > 0;
    });
    if (d) {
      shape(p.g, "path", Object.assign({d: d, fill: "none", "stroke-linejoin": "round"}, attributes));
    }
  }

  function latency(model) {
    var TOP = 10, HEIGHT = 170, bottom = TOP + HEIGHT, p = picture("latency-chart", model.end, bottom + 26);
    var all = model.seconds.map(function (s) { return [s.p50, s.p99]; }).flat().filter(function (v) { return v > 0; });
    var low = all.length ? Math.pow(10, Math.floor(Math.log10(Math.min.apply(null, all) * 0.8))) : 1;
    var high = Math.max(low * 10, all.length ? Math.pow(10, Math.ceil(Math.log10(Math.max.apply(null, all)))) : 1);
    function y(v) { return bottom - Math.max(0, Math.min(1, Math.log10(v / low) / Math.log10(high / low))) * HEIGHT; }
    axis(p, TOP, bottom);
    for (var power = low; power <= high * 1.001; power *= 10) {
      (high / low < 200 ? [1, 2, 5] : [1]).forEach(function (times) {
        if (power * times <= high * 1.001) {
          values(p, y(power * times), Number((power * times).toPrecision(3)) + " ms");
        }
      });
    }
    faults(p, model.bands, model.now, TOP, HEIGHT);
    line(p, model.seconds, "p99", y, {"class": "k-bad", "stroke-width": 1.5, "stroke-dasharray": "2 2"});
    line(p, model.seconds, "p50", y, {"class": "k-blue", "stroke-width": 2});
  }

  return {
    legend: legend,
    draw: function (model) {
      lanes(model);
      traffic(model);
      latency(model);
    }
  };
})();
