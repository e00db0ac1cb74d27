// SPDX-License-Identifier: MIT
"use strict";
// The picture of the topology, made to move: a large copy of the first one, and a slider along the run. The moments that are
// drawn below it are buttons to it; the cursor of the charts moves it, too. Who wants less motion steps from moment to moment.
(function () {
  var figure = document.getElementById("world-figure"), source = document.getElementById("world-data");
  if (!figure || !source) {
    return;
  }
  var data = JSON.parse(source.textContent), tiles = Array.from(figure.querySelectorAll(".moment"));
  var linkWords = {impaired: "impaired", oneway: "one way", cut: "cut"};
  var player = drtest.make("div", {"class": "player"}), picture = tiles[0].querySelector("svg").cloneNode(true);
  picture.querySelectorAll("[id]").forEach(function (e) { e.remove(); });
  picture.removeAttribute("aria-labelledby");
  picture.setAttribute("aria-hidden", "true");
  picture.removeAttribute("role");
  player.append(picture);
  player.classList.toggle("wide", picture.viewBox.baseVal.width > 760);

  var controls = drtest.make("p", {"class": "controls"}, player);
  var play = drtest.make("button", {type: "button"}, controls);
  var label = drtest.make("label", {}, controls);
  drtest.make("span", {"class": "hidden"}, label).textContent = "Moment of the run";
  var slider = drtest.make("input", {type: "range", min: "0", max: String(data.end), step: "0.05"}, label);
  var words = drtest.make("output", {}, controls);
  figure.prepend(player);

  function since(list, t) {
    var state = null;
    (list || []).forEach(function (entry) { if (entry[0] <= t) { state = entry[1]; } });
    return state;
  }
  function within(list, t) {
    return (list || []).some(function (span) { return span[0] <= t && t < span[1]; });
  }
  function clients(good) {
    return good < 0 ? ["absent", "no requests"] : [good >= 100 ? "up" : good > 0 ? "degraded" : "down", good + " % good"];
  }
  function dress(e, state, extra) {
    e.setAttribute("class", e.getAttribute("class").split(" ")[0] + " w-" + state + (extra ? " " + extra : ""));
  }

  var glyphs = {starting: "…", drifted: "≠", degraded: "!", frozen: "‖", down: "×"};
  var draw = {
    r: function (e, key, t) {
      var state = since(data.states[key], t) || "absent";
      if (e.tagName === "text") { e.textContent = e.dataset.prefix + state; } else { dress(e, state); }
    },
    n: function (e, key, t) {
      var state = since(data.states[key], t) || "absent", glyph = e.querySelector("text");
      dress(e, state, within(data.leads[key], t) ? "w-leads" : "");
      if (glyph) { glyph.textContent = glyphs[state] || ""; }
    },
    l: function (e, key, t) {
      var state = since(data.states[key], t) || "well";
      if (e.tagName === "text") { e.textContent = linkWords[state] || e.dataset.well; } else { dress(e, state); }
    },
    c: function (e, key, t) {
      var c = clients(data.good[key][bucket(t, data.good[key].length)]);
      if (e.tagName === "text") { e.textContent = c[1]; } else { dress(e, c[0]); }
    },
    f: function (e, key, t) {
      var digits = data.share[key] || "-", digit = digits[bucket(t, digits.length)];
      var share = digit === "-" ? 0 : digit === "a" ? 1 : (Number(digit) + 0.5) / 10;
      e.setAttribute("visibility", digit === "-" || digit === "0" ? "hidden" : "visible");
      e.setAttribute("stroke-width", String(1 + 6 * share));
    }
  };
  function bucket(t, count) { return Math.max(0, Math.min(count - 1, Math.floor(t / data.width))); }

  var elements = Array.from(picture.querySelectorAll("[data-e]"));
  function show(t) {
    if (t === null) {
      return;
    }
    elements.forEach(function (e) { draw[e.dataset.e[0]](e, e.dataset.e, t); });
    slider.value = String(t);
    var moment = since(data.moments, t);
    words.textContent = t.toFixed(1) + " s";
    slider.setAttribute("aria-valuetext", t.toFixed(1) + " s" + (moment ? ", " + moment : ""));
  }

  var timer = null, still = window.matchMedia("(prefers-reduced-motion: reduce)");
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = still.matches ? "Step" : "Play";
  }
  function step() {
    var t = Number(slider.value), later = data.moments.filter(function (moment) { return moment[0] > t + 0.05; });
    drtest.cursor.set((later[0] || data.moments[0])[0]);
  }
  play.addEventListener("click", function () {
    if (timer !== null) {
      stop();
      return;
    }
    if (still.matches) {
      step();
      return;
    }
    var t = Number(slider.value) >= data.end ? 0 : Number(slider.value);
    play.textContent = "Pause";
    timer = setInterval(function () {
      t = Math.min(data.end, t + data.end / 400);
      drtest.cursor.set(t);
      if (t >= data.end) { stop(); }
    }, 50);
  });
  still.addEventListener("change", stop);
  slider.addEventListener("input", function () {
    stop();
    drtest.cursor.set(Number(slider.value));
  });
  tiles.forEach(function (tile, i) {
    var title = tile.querySelector("b"), button = drtest.make("button", {type: "button", "class": "go"});
    button.textContent = title.textContent;
    title.replaceChildren(button);
    button.addEventListener("click", function () { drtest.cursor.set(data.moments[i][0]); });
  });
  stop();
  drtest.cursor.listen(show);
  show(data.moments[Math.min(1, data.moments.length - 1)][0]);
})();
