// SPDX-License-Identifier: MIT
"use strict";
// One cursor for all charts: the moment under the pointer, shown at the same instant in each of them. Charts know their scale
// from data-axis: seconds from and to, user units left and right, and the width of the drawing.
(function () {
  var listeners = [], charts = [], now = null;

  drtest.cursor = {
    listen: function (f) { listeners.push(f); },
    // t in seconds of run time, null for none; `by` says who moved it, for those who must not answer.
    set: function (t, by) {
      now = t;
      charts.forEach(function (c) { c.show(t); });
      listeners.forEach(function (f) { f(t, by); });
    }
  };

  function chart(box) {
    var svg = box.querySelector("svg"), axis = box.dataset.axis.split(" ").map(Number);
    var from = axis[0], to = axis[1], left = axis[2], right = axis[3], height = svg.viewBox.baseVal.height;
    var line = document.createElementNS(svg.namespaceURI, "line"), text = document.createElementNS(svg.namespaceURI, "text");
    line.setAttribute("class", "cursor");
    line.setAttribute("y1", "0");
    line.setAttribute("y2", String(height - 24));
    text.setAttribute("class", "cursor-time");
    text.setAttribute("y", String(height - 14));
    svg.append(line, text);
    function at(event) {
      var r = svg.getBoundingClientRect(), x = (event.clientX - r.left) / r.width * axis[4];
      return x < left || x > right ? null : from + (x - left) / (right - left) * (to - from);
    }
    svg.addEventListener("pointermove", function (event) { drtest.cursor.set(at(event)); });
    svg.addEventListener("pointerleave", function () { drtest.cursor.set(null); });
    box.addEventListener("keydown", function (event) {
      var step = {ArrowLeft: -1, ArrowRight: 1}[event.key] * (to - from) / (event.shiftKey ? 1000 : 100);
      if (event.key === "Escape") {
        drtest.cursor.set(null);
      } else if (step) {
        event.preventDefault();
        drtest.cursor.set(Math.min(to, Math.max(from, (now === null ? from : now) + step)));
      }
    });
    return {
      show: function (t) {
        var hidden = t === null || t < from || t > to, x = left + (t - from) / (to - from) * (right - left);
        line.classList.toggle("on", !hidden);
        text.classList.toggle("on", !hidden);
        if (!hidden) {
          line.setAttribute("x1", x);
          line.setAttribute("x2", x);
          text.setAttribute("x", x);
          text.setAttribute("text-anchor", x > right - 60 ? "end" : "middle");
          text.textContent = t.toFixed(to - from < 20 ? 3 : 2) + " s";
        }
      }
    };
  }

  document.querySelectorAll(".chart[data-axis]").forEach(function (box) { charts.push(chart(box)); });
})();
