// SPDX-License-Identifier: MIT
"use strict";
// Every page reads well without scripts. This one counts what the content security policy refused (nothing, ever), adds a
// switch of colours, filters for lists and ages beside dates, and opens what is folded when it is wanted: by a link, by paper.
var drtest = {
  recolour: [], // called when colours change
  colour: function (name) { // of this theme, as a canvas takes it
    drtest.probe = drtest.probe || drtest.make("span", {hidden: ""}, document.body);
    drtest.probe.style.color = "var(--" + name + ")";
    return getComputedStyle(drtest.probe).color;
  },
  make: function (name, attributes, parent) {
    var e = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { e.setAttribute(key, attributes[key]); });
    if (parent) { parent.append(e); }
    return e;
  }
};

(function () {
  var root = document.documentElement, violations = 0;
  root.dataset.cspViolations = "0";
  root.dataset.charts = "0";
  document.addEventListener("securitypolicyviolation", function () {
    violations += 1;
    root.dataset.cspViolations = String(violations);
  });

  var dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  var toggle = drtest.make("button", {type: "button", "class": "theme"});
  function label() {
    toggle.textContent = dark ? "Light" : "Dark";
    toggle.setAttribute("aria-label", dark ? "Switch to light colours" : "Switch to dark colours");
  }
  toggle.addEventListener("click", function () {
    dark = !dark;
    root.dataset.theme = dark ? "dark" : "light";
    label();
    drtest.recolour.forEach(function (f) { f(); });
  });
  label();
  (document.querySelector(".masthead") || document.body).append(toggle);

  // The events: by kind, and by any word in them.
  var list = document.getElementById("event-list");
  var rows = list ? Array.from(list.querySelectorAll("tbody tr")) : [];
  if (rows.length > 0) {
    var bar = drtest.make("p", {"class": "filter"});
    var byKind = drtest.make("label", {}, bar), byWord = drtest.make("label", {}, bar);
    var said = drtest.make("output", {}, bar);
    byKind.append("Kind ");
    byWord.append("Containing ");
    var select = drtest.make("select", {}, byKind), word = drtest.make("input", {type: "search", size: "18"}, byWord);
    var kinds = new Set(rows.map(function (row) { return row.dataset.kind; }));
    ["all"].concat(Array.from(kinds).sort()).forEach(function (kind) { select.add(new Option(kind, kind)); });
    var filter = function () {
      var want = word.value.toLowerCase(), shown = 0;
      rows.forEach(function (row) {
        row.hidden = (select.value !== "all" && row.dataset.kind !== select.value) ||
          (want !== "" && row.textContent.toLowerCase().indexOf(want) < 0);
        shown += row.hidden ? 0 : 1;
      });
      said.textContent = shown + " of " + rows.length;
    };
    select.addEventListener("change", filter);
    word.addEventListener("input", filter);
    filter();
    list.insertBefore(bar, list.children[1]);
  }

  // A link into something folded opens it.
  function reveal() {
    var at = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    var folded = at ? at.closest("details") : null;
    if (folded && !folded.open) {
      folded.open = true;
      at.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  document.querySelectorAll("time[data-age]").forEach(function (e) {
    var days = (Date.now() - Date.parse(e.dateTime)) / 864e5;
    if (days >= 0) {
      e.after(" ", drtest.make("span", {"class": "age"}));
      e.nextElementSibling.textContent = days < 1 / 1440 ? "just now" : days < 1 / 24 ? Math.floor(days * 1440) + " min ago" : days < 1 ? Math.floor(days * 24) + " h ago" :
        days < 2 ? "yesterday" : Math.floor(days) + " days ago";
    }
  });

  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (d) { d.open = true; });
  });
})();
