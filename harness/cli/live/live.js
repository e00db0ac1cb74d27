// SPDX-License-Identifier: MIT
"use strict";
// Asks twice a second for what is new, draws it, and goes to the report when the run is over.
(function () {
  var next = 0, seconds = [], last = null, phases = {"phase.begin": "phase", "fault.apply": "breaking", "fault.proof": "fault",
    "fault.heal": "healing", "heal.proof": "heal", "fault.lapse": "fault", "observed": "noticed"};

  function at(id) { return document.getElementById(id); }
  function say(id, words) { at(id).textContent = words; }

  fetch("about").then(function (r) { return r.json(); }).then(function (about) {
    document.title = "drtest: " + about.name;
    say("title", about.title);
    say("description", about.description || "");
    say("targets", about.targets ? "Promised: " + about.targets : "");
  });

  function view(v) {
    say("phase", v.phase.replace(/_/g, " "));
    say("elapsed", v.t.toFixed(0) + " s");
    say("planned", "of about " + v.planned.toFixed(0) + " s");
    at("progress").value = v.planned > 0 ? Math.min(1, v.t / v.planned) : 0;
    say("sent", v.sent.toLocaleString("en"));
    say("open", v.open);
    if (last && v.t - last.t < 1) {
      return;
    }
    if (last) {
      var span = v.t - last.t, good = v.good - last.good, bad = v.bad - last.bad, all = good + bad;
      seconds.push({t: v.t, good: good / span, bad: bad / span, open: v.open > 0});
      say("ratio", all > 0 ? (100 * good / all).toFixed(1) + " %" : "\u2013");
      at("ratio").classList.toggle("low", all > 0 && bad / all > 0.01);
    }
    last = v;
  }

  function event(e) {
    var row = document.createElement("tr");
    [e.t.toFixed(3) + " s", phases[e.kind] || e.kind, e.subject, [e.outcome === "ok" ? "" : e.outcome, e.detail].filter(Boolean).join(": ")].forEach(function (words) {
      var cell = document.createElement("td");
      cell.textContent = words;
      row.appendChild(cell);
    });
    at("events").prepend(row);
  }

  function bar(chart, x, y, width, height, name) {
    var shape = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    [["x", x], ["y", y], ["width", width], ["height", Math.max(0, height)], ["class", name]].forEach(function (a) { shape.setAttribute(a[0], a[1]); });
    chart.appendChild(shape);
  }

  function draw() {
    var chart = at("chart"), shown = seconds.slice(-240), width = 960 / Math.max(60, shown.length);
    var most = Math.max.apply(null, shown.map(function (s) { return s.good + s.bad; }).concat([1]));
    chart.replaceChildren();
    say("most", "a bar a second, the tallest " + most.toFixed(0) + " answers");
    shown.forEach(function (s, i) {
      var good = 230 * s.good / most, bad = 230 * s.bad / most;
      if (s.open) {
        bar(chart, i * width, 0, width, 240, "s-fault");
      }
      bar(chart, i * width, 240 - good, width * 0.9, good, "s-good");
      bar(chart, i * width, 240 - good - bad, width * 0.9, bad, "s-bad");
    });
  }

  function ask() {
    fetch("news?from=" + next).then(function (r) { return r.json(); }).then(function (answer) {
      next = answer.next;
      answer.news.forEach(function (m) { (m.kind === "view" ? view : m.kind === "finished" ? function () {} : event)(m); });
      draw();
      if (answer.over) {
        window.location.replace("report.html");
      } else {
        setTimeout(ask, 500);
      }
    }).catch(function () { say("phase", "the run has ended"); });
  }
  ask();
})();
