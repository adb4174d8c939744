// A GRU over words, one step at a time: what seq2seq/layers/cells.py computes, for the page of `seq2seq lab reading`.

function decode(text, scale) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return Float32Array.from(new Int16Array(bytes.buffer), (v) => v * scale);
}

function makeReader(model) {
  const { words, units } = model;
  const parts = {};
  for (const name of Object.keys(model.weights)) {
    const [text, scale] = model.weights[name];
    parts[name] = decode(text, scale);
  }
  const ids = new Map(words.map((word, id) => [word, id]));
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  function step(id, h) {
    const product = Float64Array.from(parts.recurrent_bias);
    for (let i = 0; i < units; i++)
      for (let j = 0; j < 3 * units; j++) product[j] += h[i] * parts.recurrent_kernel[i * 3 * units + j];
    return h.map((old, i) => {
      const given = (gate) => parts.kernel[id * 3 * units + gate * units + i] + parts.bias[gate * units + i];
      const update = sigmoid(given(0) + product[i]);
      const reset = sigmoid(given(1) + product[units + i]);
      const candidate = Math.tanh(given(2) + reset * product[2 * units + i]);
      return update * old + (1 - update) * candidate;
    });
  }

  function distribution(h) {
    const logits = words.map((_, id) => {
      let sum = parts.output_bias[id];
      for (let i = 0; i < units; i++) sum += h[i] * parts.output_kernel[i * words.length + id];
      return sum;
    });
    const most = Math.max(...logits);
    const shares = logits.map((x) => Math.exp(x - most));
    const total = shares.reduce((a, b) => a + b);
    return shares.map((x) => x / total);
  }

  // The end of a sentence comes first, as in training: every text begins after one.
  function read(text) {
    const seen = (text.toLowerCase().match(/[\p{L}\p{N}_'-]+|[^\p{L}\p{N}_\s]/gu) || []).map((word) =>
      ids.has(word) ? word : words[0]
    );
    let h = new Array(units).fill(0);
    return [words[1], ...seen].map((word) => {
      h = step(ids.get(word), h);
      return { word, state: h, distribution: distribution(h) };
    });
  }

  return { read };
}

function showReader(model, place) {
  const reader = makeReader(model);
  const field = place.querySelector("input");
  const [rows, bars] = place.querySelectorAll(".rows, .bars");
  const make = (tag, text, style) => {
    const element = document.createElement(tag);
    element.textContent = text;
    element.style.cssText = style || "";
    return element;
  };
  const colour = (value) =>
    value < 0 ? `rgba(196,83,45,${Math.min(1, -value)})` : `rgba(59,102,184,${Math.min(1, value)})`;

  function show() {
    const steps = reader.read(field.value);
    rows.replaceChildren(
      ...steps.map((step, number) => {
        const row = make("button", "", "");
        row.type = "button";
        row.append(make("span", number ? step.word : "(begin)", "width:6.5rem;text-align:left;flex:none"));
        step.state.forEach((value) => row.append(make("i", "", `background:${colour(value)}`)));
        row.setAttribute("aria-label", `after ${step.word}`);
        row.addEventListener("click", () => choose(number));
        return row;
      })
    );
    function choose(number) {
      [...rows.children].forEach((row, i) => row.setAttribute("aria-pressed", String(i === number)));
      const ranked = steps[number].distribution.map((p, id) => [p, model.words[id]]).sort((a, b) => b[0] - a[0]);
      bars.replaceChildren(
        ...ranked.slice(0, 10).map(([p, word]) => {
          const row = make("div", "", "display:flex;gap:.5rem;align-items:center");
          row.append(make("span", word, "width:6.5rem;flex:none"));
          row.append(make("span", "", `background:#3b66b8;height:.8rem;width:${60 * p}%`));
          row.append(make("span", `${(100 * p).toFixed(1)} %`));
          return row;
        })
      );
    }
    choose(steps.length - 1);
  }
  field.addEventListener("input", show);
  show();
}

if (typeof module !== "undefined") module.exports = { makeReader };
