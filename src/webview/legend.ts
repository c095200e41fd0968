import { alarmSign } from '../present/plot/alarmSign';
import type { Track, TrackWords } from '../present/plot/plotMessages';
import { element, setText } from './dom';
import { lineStyle } from './lineStyle';

const SVG = 'http://www.w3.org/2000/svg';

/** A row of the legend: name, value, unit, alarm. */
export class LegendRow {
  readonly node = element('tr');
  readonly #swatch = element('td', { className: 'swatch' });
  readonly #value = element('td', { className: 'value' });
  readonly #unit = element('td');
  readonly #sign = element('span', { className: 'sign' });
  readonly #alarm = element('span');
  readonly #reason = element('div', { className: 'reason' });

  constructor({ label, protocol }: Track, remove: () => void) {
    const name = element('th', { text: label });
    name.scope = 'row';
    name.append(' ', element('small', { text: protocol === 'ca' ? 'CA' : 'PVA' }));
    this.#sign.ariaHidden = 'true';
    const alarm = element('td', { className: 'alarm' });
    alarm.append(this.#sign, ' ', this.#alarm, this.#reason);
    const button = element('button', { text: '\u00d7', className: 'plain' });
    button.title = 'Remove';
    button.ariaLabel = `Remove ${label}`;
    button.addEventListener('click', remove);
    const last = element('td');
    last.append(button);
    this.node.append(this.#swatch, name, this.#value, this.#unit, alarm, last);
  }

  /** `value`: what to show instead of the newest value. */
  show(words: TrackWords, value = words.value): void {
    const isAway = words.reason !== '';
    setText(this.#value, value);
    this.#value.title = value;
    setText(this.#unit, words.unit);
    setText(this.#sign, alarmSign(words.severity, isAway));
    setText(this.#alarm, isAway ? '' : words.alarm);
    setText(this.#reason, words.reason);
    const name = isAway ? 'away' : words.severity.toLowerCase();
    this.node.className = name;
  }

  /** The nth line of the plot; undefined: it has none. */
  setLine(index: number | undefined): void {
    if (index === undefined) {
      this.#swatch.replaceChildren();
      return;
    }
    const { stroke, dash } = lineStyle(index);
    const svg = document.createElementNS(SVG, 'svg');
    const line = document.createElementNS(SVG, 'line');
    const attributes = { x1: 0, x2: 24, y1: 6, y2: 6, 'stroke-width': 2, stroke };
    for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, `${value}`);
    if (dash.length > 0) line.setAttribute('stroke-dasharray', dash.join(' '));
    svg.setAttribute('width', '24');
    svg.setAttribute('height', '12');
    svg.setAttribute('aria-hidden', 'true');
    svg.append(line);
    this.#swatch.replaceChildren(svg);
  }
}
