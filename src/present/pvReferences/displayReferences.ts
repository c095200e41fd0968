import type { MacroScope } from './pvReference';
import type { ReferenceList } from './referenceList';
import { readXml, type XmlElement } from './xmlElements';

/** `pv_name`, `y_pv`, `trace_0_x_pv`, ...; not `limits_from_pv`, which is a switch. */
const PV_ELEMENT = /(?:^|_)pv(?:_name)?$/;
const SWITCH = /_from_pv$/;

/** The macros of a display or widget while they are read. */
interface OpenScope extends MacroScope {
  readonly definitions: { name: string; value: string }[];
  outer?: MacroScope | undefined;
}

/**
 * Finds the PVs in displays of Phoebus (.bob) and BOY (.opi), with the macros of their widget, its
 * groups and the display.
 */
export function readDisplay(text: string, list: ReferenceList): void {
  const scopes = new Map<XmlElement, OpenScope>();
  const innermost: OpenScope[] = [];
  readXml(text, {
    opened(element) {
      if (element.name !== 'widget' && element.name !== 'display') return;
      const scope: OpenScope = { definitions: [], outer: innermost.at(-1) };
      scopes.set(element, scope);
      innermost.push(scope);
    },
    closed(element, content) {
      const { name, parent } = element;
      const macros = innermost.at(-1);
      if (scopes.delete(element)) {
        innermost.pop();
      } else if (parent?.name === 'macros') {
        const scope = parent.parent && scopes.get(parent.parent);
        if (name !== 'include_parent_macros') {
          // Macros of an action are for the display that it opens.
          scope?.definitions.push({ name, value: content.text.trim() });
          list.addPart(content, 'part', scope ? scope.outer : macros);
        } else if (scope && content.text.trim() === 'false') scope.outer = undefined;
      } else if (PV_ELEMENT.test(name) && !SWITCH.test(name)) {
        list.addPv(content, macros);
        // Other properties of the widget use it as $(pv_name).
        const own = parent && scopes.get(parent);
        if (name === 'pv_name') own?.definitions.push({ name, value: content.text.trim() });
      }
      return !list.isFull;
    },
  });
}
