import assert from 'node:assert/strict';
import type { PlotReading, PlotValue } from '../../../../src/model/plotValue';
import { PlotTrack } from '../../../../src/present/plot/plotTrack';
import { decodePoints } from '../../../../src/present/plot/pvHistory';

const NOW = Date.UTC(2026, 5, 1, 12);

function reading(value: PlotValue, more: Partial<PlotReading> = {}): PlotReading {
  return { kind: 'value', value, severity: 'NO_ALARM', ...more };
}
const number = (value: number): PlotValue => ({ kind: 'number', value });

describe('a PV of a plot', () => {
  let nowMs: number;
  let track: PlotTrack;
  beforeEach(() => {
    nowMs = NOW;
    track = new PlotTrack({ name: 'A\u202e', protocol: 'ca' }, 3, () => nowMs);
  });
  const times = (): readonly number[] => track.history.times;
  const isoAt = (offsetMs: number): string => new Date(NOW + offsetMs).toISOString();

  it('has the time of its stamp, if that is about now', () => {
    track.take(reading(number(1), { time: isoAt(-300) }));
    track.take(reading(number(2), { time: isoAt(-86_400_000) }));
    track.take(reading(number(3)));
    assert.deepEqual(times(), [NOW - 300, NOW, NOW]);
  });

  it('tells what is new once, and everything to another page', () => {
    track.take(reading(number(1)));
    const first = track.takeNews();
    assert.ok(first.isNew && first.isLine && first.id === 3);
    track.take(reading(number(2)));
    const second = track.takeNews();
    assert.ok(!second.isNew);
    assert.deepEqual(decodePoints(second.points).values, [2]);
    assert.ok(!track.hasNews);
    track.renew();
    assert.deepEqual(decodePoints(track.takeNews().points).values, [1, 2]);
  });

  it('is sent as a whole to a page that has missed very much', () => {
    track.takeNews();
    for (let at = 0; at < 3000; at++) track.take(reading(number(at)));
    const news = track.takeNews();
    assert.ok(news.isNew);
    assert.equal(decodePoints(news.points).values.at(-1), 2999);
  });

  it('says value, unit and alarm in words, as text', () => {
    track.take(
      reading(number(21.5), {
        ...{ units: 'mm\n', severity: 'MAJOR', alarmMessage: 'HIHI\u0007', precision: 2 },
      }),
    );
    const { value, unit, severity, alarm } = track.words;
    assert.deepEqual([value, unit, severity], ['21.50', 'mm\\x0a', 'MAJOR']);
    assert.equal(alarm, 'MAJOR HIHI\\x07');
    assert.equal(track.label, 'A\\u202e');
    track.take(reading(number(0.10000000149011612)));
    assert.equal(track.words.value, '0.1000000015');
  });

  it('has a gap, and a reason, while it is away', () => {
    track.take(reading(number(1)));
    nowMs += 5000;
    track.interrupt('gone');
    track.interrupt('still gone');
    assert.deepEqual(track.history.values, [1, NaN]);
    assert.deepEqual([track.words.value, track.words.reason], ['1', 'still gone']);
    track.take(reading(number(2)));
    assert.equal(track.words.reason, '');
  });

  it('has numbers for strings, and an end of them', () => {
    for (const text of ['calm', 'busy', 'calm']) track.take(reading({ kind: 'string', text }));
    assert.deepEqual(track.history.values, [0, 1, 0]);
    for (let at = 0; at < 500; at++) track.take(reading({ kind: 'string', text: `${at}` }));
    assert.ok(track.states && track.states.length <= 101);
    assert.equal(track.states.at(-1), '(others)');
  });

  it('begins anew with a value of another type', () => {
    track.take(reading(number(1)));
    track.takeNews();
    track.take(reading({ kind: 'choice', index: 1, choices: ['Off', 'On'] }));
    const news = track.takeNews();
    assert.ok(news.isNew);
    assert.deepEqual(decodePoints(news.points).values, [1]);
    assert.deepEqual(news.states, ['Off', 'On']);
    track.take(reading({ kind: 'text', text: '<b>&\u0007', summary: '' }));
    const text = track.takeNews();
    assert.ok(!text.isLine && track.isPicture);
    assert.deepEqual(text.picture, { kind: 'text', text: '<b>&\\x07' });
    track.take(reading(number(5)));
    assert.equal(track.takeNews().picture, null);
  });
});
