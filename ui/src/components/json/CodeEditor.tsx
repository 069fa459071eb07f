/** The editor itself (CodeMirror): a chunk of its own, loaded by `JsonEditor`. */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { HighlightStyle, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, linter } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";

export type CodeEditorProps = {
  readonly isReadOnly?: boolean;
  readonly label: string;
  readonly onChange?: (text: string) => void;
  readonly text: string;
};

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--chakra-colors-bg)", color: "var(--chakra-colors-fg)", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--chakra-colors-brand-focus-ring)" },
  ".cm-content": { caretColor: "var(--chakra-colors-fg)", minHeight: "6em" },
  ".cm-cursor": { borderLeftColor: "var(--chakra-colors-fg)" },
  ".cm-gutters": {
    backgroundColor: "var(--chakra-colors-bg-subtle)",
    border: "none",
    color: "var(--chakra-colors-fg-muted)",
  },
  ".cm-scroller": { maxHeight: "40vh", overflow: "auto" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--chakra-colors-bg-emphasized) !important",
  },
});

const highlighting = HighlightStyle.define([
  { color: "var(--chakra-colors-blue-fg)", tag: tags.propertyName },
  { color: "var(--chakra-colors-green-fg)", tag: tags.string },
  { color: "var(--chakra-colors-orange-fg)", tag: [tags.number, tags.bool, tags.null] },
]);

const CodeEditor = ({ isReadOnly = false, label, onChange, text }: CodeEditorProps) => {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const listener = useRef(onChange);
  listener.current = onChange;

  useEffect(() => {
    if (parent.current === null) {
      return undefined;
    }
    // No key is bound to Tab: it leaves the editor, as it leaves every field.
    view.current = new EditorView({
      parent: parent.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          history(),
          bracketMatching(),
          json(),
          ...(isReadOnly ? [EditorState.readOnly.of(true)] : [lintGutter(), linter(jsonParseLinter())]),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) {
              listener.current?.(update.state.doc.toString());
            }
          }),
          theme,
          syntaxHighlighting(highlighting),
        ],
      }),
    });
    return () => view.current?.destroy();
    // The editor is made once; a text from outside is brought in below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isReadOnly, label]);

  useEffect(() => {
    const current = view.current?.state.doc.toString();
    if (current !== undefined && current !== text) {
      view.current?.dispatch({ changes: { from: 0, insert: text, to: current.length } });
    }
  }, [text]);

  return <div ref={parent} />;
};

export default CodeEditor;
