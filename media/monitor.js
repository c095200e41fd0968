/** The page of src/ui/monitorPanel.ts: shows the newest text, draws the last minutes. */
(() => {
  const SHOWN_MS = 5 * 60 * 1000;
  const MAX_POINTS = 5000;
  const SVG = 'http://www.w3.org/2000/svg';
  const element = (id) => document.getElementById(id);
  const plot = element('plot');
  /** Time in ms since 1970, and value. */
  let points = [];
  let isDrawPending = false;

  window.addEventListener('message', ({ data }) => {
    if (data.name !== undefined) {
      setText('name', data.name);
      setText('protocol', data.protocol);
      return;
    }
    if (data.value !== undefined) {
      setText('value', data.value);
      setText('size', data.size);
      setText('alarm', data.alarm === 'NO_ALARM' ? 'no alarm' : data.alarm);
      element('alarm').className = (data.severity ?? '').toLowerCase();
      setText('time', data.time);
    }
    const reason = data.interrupted ?? '';
    setText('interrupted', reason);
    element('interrupted').hidden = reason === '';
    points.push(...data.points);
    // A gap in the curve after the last value, so that nobody takes the line for values.
    if (reason !== '' && points.length > 0) points.push([points.at(-1)[0], Number.NaN]);
    drawSoon();
  });
  window.addEventListener('resize', drawSoon);
  // Time goes on where values do not.
  setInterval(drawSoon, 1000);
  acquireVsCodeApi().postMessage('ready');

  function setText(id, text) {
    element(id).textContent = text ?? '';
  }

  function drawSoon() {
    if (isDrawPending) return;
    isDrawPending = true;
    requestAnimationFrame(() => {
      isDrawPending = false;
      draw();
    });
  }

  function draw() {
    const newest = points.reduce((latest, [at]) => Math.max(latest, at), 0);
    // The IOC's clock may differ from ours: the newer of both is the right edge, if they are close.
    const now = Math.abs(Date.now() - newest) < SHOWN_MS ? Math.max(Date.now(), newest) : newest;
    points = points.filter(([at]) => now - at <= SHOWN_MS).slice(-MAX_POINTS);
    const values = points.map(([, value]) => value).filter(Number.isFinite);
    plot.replaceChildren();
    if (values.length === 0) return;
    const { width, height } = plot.getBoundingClientRect();
    const [left, right, top, bottom] = [70, width - 10, 10, height - 20];
    let low = values.reduce((a, b) => Math.min(a, b));
    let high = values.reduce((a, b) => Math.max(a, b));
    if (low === high) [low, high] = [low - 1, high + 1];
    const x = (at) => right - ((now - at) / SHOWN_MS) * (right - left);
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
    for (const value of [low, (low + high) / 2, high]) {
      add('line', { class: 'axis', x1: left, x2: right, y1: y(value), y2: y(value) });
      add('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, value.toPrecision(4));
    }
    for (const minutes of [5, 4, 3, 2, 1, 0]) {
      const text = minutes === 0 ? 'now' : `-${minutes} min`;
      const anchor = minutes === 0 ? 'end' : 'middle';
      add('text', { x: x(now - minutes * 60000), y: height - 4, 'text-anchor': anchor }, text);
    }
    add('path', { class: 'curve', d: curve(x, y, now) });
  }

  /** A value holds until the next one: steps, to the right edge if nothing interrupted it. */
  function curve(x, y, now) {
    let path = '';
    let isOpen = false;
    for (const [at, value] of points) {
      if (!Number.isFinite(value)) isOpen = false;
      else {
        path += isOpen ? `H${x(at)}V${y(value)}` : `M${x(at)} ${y(value)}`;
        isOpen = true;
      }
    }
    return isOpen ? `${path}H${x(now)}` : path;
  }

  function add(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, `${value}`);
    if (text !== undefined) made.textContent = text;
    plot.append(made);
  }
})();
