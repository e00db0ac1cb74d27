// SPDX-License-Identifier: MIT
"use strict";
// Asks twice a second for what is new, keeps what is known in one model, has it drawn, and goes to the report when the run is
// over. All news since the start are kept by the server, so a page that is opened late or again has the whole course.
(function () {
  var next = 0, number = Math.floor(Math.random() * 1e9) + 1, model = {end: 10, now: 0, bands: [], seconds: [], lanes: [], sites: [], clients: [], moves: [], last: null}, about = null;
  var phases = {lab_up: ["Building the world", "Networks and links are made."], setup: ["Setting up", "Nodes and customers start."],
    baseline: ["Baseline", "Nothing is broken: the steady state is watched first."], fault: ["Drill", "The timeline runs."],
    failback: ["Failback", "Everything is healed; service goes home."], quiesce: ["Coming to rest", "No more is sent; what is under way ends."],
    final_read: ["Final read", "What was acknowledged is looked for."], lab_down: ["Taking down", "The world is taken down."],
    audit: ["Audit", "Is anything left on this machine?"]};
  var kinds = {"phase.begin": "phase", "fault.apply": "breaking", "fault.proof": "fault", "fault.lapse": "fault", "fault.heal": "healing",
    "heal.proof": "heal", "observed": "noticed"};

  function at(id) { return document.getElementById(id); }
  function say(id, words) { at(id).textContent = words; }
  function percent(good, bad) { return good + bad > 0 ? (100 * good / (good + bad)).toFixed(good ? 1 : 0) + " %" : "–"; }
  function open() { return model.bands.filter(function (band) { return band.to === null; }); }

  function row(body, cells, first) {
    var tr = drtest.make("tr");
    cells.forEach(function (cell) { drtest.make("td", cell[1] ? {"class": cell[1]} : {}, tr).textContent = cell[0]; });
    if (first) {
      at(body).prepend(tr);
    } else {
      at(body).append(tr);
    }
  }

  function card(objective) {
    var box = drtest.make("article", {"class": "card"}, at("cards")), head = drtest.make("header", {}, box);
    drtest.make("h3", {}, head).textContent = objective.label;
    drtest.make("span", {"class": "badge"}, head).textContent = "open";
    drtest.make("p", {"class": "promise"}, box).textContent = objective.target;
    drtest.make("p", {"class": "later"}, box).textContent = (objective.implied ? "implied; " : "") + "measured when the run is over";
  }

  function introduce(a) {
    about = a;
    document.title = "Running: " + a.name;
    say("title", a.title);
    say("description", a.description || "");
    say("run", a.run);
    [a.name].concat(a.tags).forEach(function (tag) { drtest.make("li", {}, at("tags")).textContent = tag; });
    a.objectives.forEach(card);
    if (a.objectives.length === 0) {
      say("promised", "The scenario promises nothing.");
    }
    model.sites = a.sites;
    model.lanes = a.lanes.map(function (lane) { return {name: lane.name, site: lane.site, node: lane.node, spans: [], leads: []}; });
    model.clients = a.sites.map(function () { return []; });
    model.moves = a.sites.map(function () { return []; });
    drtest.live.legend();
  }

  // A list of spans goes on in this state from now on; null: in none.
  function extend(list, t, state) {
    var last = list[list.length - 1], now = last && last.to === null ? last.state : null;
    if (now === state) {
      return;
    }
    if (now !== null) {
      last.to = Math.max(t, last.from);
    }
    if (state !== null) {
      list.push({from: last && last.to > t ? last.to : t, to: null, state: state});
    }
  }

  function lanes(m) {
    model.lanes.forEach(function (lane, i) {
      extend(lane.spans, m.t, about.states[Number(m.states[i])] || null);
      extend(lane.leads, m.t, m.leads[i] === "1" ? "leads" : null);
    });
  }

  function second(s) {
    s.good = s.sites.reduce(function (sum, one) { return sum + one[0]; }, 0);
    s.bad = s.sites.reduce(function (sum, one) { return sum + one[1]; }, 0);
    model.seconds.push(s);
    s.sites.forEach(function (one, i) {
      extend(model.clients[i], s.from, one[0] + one[1] === 0 ? null : one[1] === 0 ? "up" : one[0] === 0 ? "down" : "degraded");
    });
    s.moves.forEach(function (move) { model.moves[move[0]].push({to: move[1], at: move[2]}); });
    if (s.good + s.bad > 0) {
      var from = [s.from.toFixed(1), "n"];
      row("traffic-rows", [from, [s.good, "n"], [s.bad, "n"], [(100 * s.good / (s.good + s.bad)).toFixed(1), "n"]]);
      row("latency-rows", [from].concat([s.p50, s.p99].map(function (v) { return [v === null ? "–" : v.toFixed(1), "n"]; })));
    }
  }

  function view(v) {
    model.last = v;
    model.now = v.t;
    model.end = Math.max(v.planned, v.t, 10);
    second(v.second);
  }

  function event(e) {
    if (e.kind === "fault.apply") {
      model.bands.push({id: e.code, from: e.t, to: null, words: about.faults[e.code] || e.subject});
    }
    if (e.kind === "fault.heal") {
      model.bands.forEach(function (band) { if (band.id === e.code && band.to === null) { band.to = e.end; } });
    }
    if (e.kind === "phase.begin" || e.kind.indexOf("fault.") === 0) {
      say("said", (kinds[e.kind] || e.kind) + " " + (about.faults[e.code] || e.subject.replace(/_/g, " ")) + ", " + e.t.toFixed(0) + " s");
    }
    if (e.kind === "phase.begin") {
      model.phase = e.subject;
    }
    model.now = Math.max(model.now, e.t);
    row("event-rows", [[e.t.toFixed(3), "n"], [kinds[e.kind] || e.kind, "kind"], [e.subject, "subject"],
      [[e.outcome === "ok" ? "" : e.outcome, e.detail].filter(Boolean).join(": "), ""]], true);
  }

  function tell() {
    var v = model.last, s = model.seconds[model.seconds.length - 1], phase = phases[model.phase] || ["Starting", "The drill begins."];
    var failing = s && s.good + s.bad > 0 && s.good < about.good_ratio * (s.good + s.bad), broken = open();
    say("phase", phase[0]);
    say("story", broken.length ? broken.map(function (band) { return band.words + ", for " + Math.max(0, model.now - band.from).toFixed(0) + " s now"; }).join("; ") +
      (failing ? ": customers notice." : ": customers are served.") : failing ? phase[1] + " Customers are not served as they were." : phase[1]);
    at("now").classList.toggle("is-failing", Boolean(failing));
    at("now").classList.toggle("is-faulted", broken.length > 0 && !failing);
    say("open", broken.length);
    if (v) {
      say("elapsed", model.now.toFixed(0) + " s of about " + v.planned.toFixed(0) + " s");
      at("progress").value = v.planned > 0 ? Math.min(1, model.now / v.planned) : 0;
      say("sent", v.sent.toLocaleString("en"));
      say("sofar", percent(v.good, v.bad));
    }
    if (s) {
      say("ratio", percent(s.good, s.bad));
      say("delay", s.p50 === null ? "–" : s.p50.toFixed(s.p50 < 10 ? 1 : 0) + ", " + s.p99.toFixed(s.p99 < 10 ? 1 : 0) + " ms");
    }
  }

  function wentTo(move) { return {state: "went to " + move.to, from: move.at, to: move.at}; }

  // The lanes in words; only while somebody reads them, since they are written anew.
  function table() {
    at("lanes-rows").replaceChildren();
    if (!at("lanes-table").open) {
      return;
    }
    model.lanes.map(function (lane) { return [lane.name, lane.spans.concat(lane.leads)]; })
      .concat(model.sites.map(function (site, i) { return [site.name, model.clients[i].concat(model.moves[i].map(wentTo))]; }))
      .forEach(function (who) {
        who[1].forEach(function (span) {
          row("lanes-rows", [[who[0]], [span.state], [span.from.toFixed(3), "n"], [span.to === null ? "now" : span.to.toFixed(3), "n"]]);
        });
      });
  }

  function take(answer) {
    next = answer.next;
    answer.news.forEach(function (m) {
      (m.kind === "view" ? view : m.kind === "lanes" ? lanes : m.kind === "finished" ? function () {} : event)(m);
    });
    if (answer.news.length > 0) {
      tell();
      table();
      drtest.live.draw(model);
    }
  }

  function gone() {
    at("now").className = "verdict is-over";
    say("phase", "The run has ended");
    say("story", "This page was not asked for in time to become the report, which is report.html in the folder of the run.");
  }

  at("lanes-table").addEventListener("toggle", table);
  function json(url) { return fetch(url).then(function (r) { return r.json(); }); }
  function ask() {
    json("news?from=" + next + "&page=" + number).then(function (answer) {
      take(answer);
      if (answer.over) {
        window.location.replace("report.html");
      } else {
        setTimeout(ask, 500);
      }
    }, gone);
  }
  json("about").then(function (a) {
    introduce(a);
    ask();
  }, gone);
})();
