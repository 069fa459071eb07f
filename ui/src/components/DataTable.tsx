/**
 * A table of any length: only the rows in sight are in the document (TanStack Virtual).
 *
 * It is a real table for screen readers: `aria-rowcount` and `aria-rowindex` count the rows that are not drawn.
 */
import { Box, Table, useTableStyles } from "@chakra-ui/react";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { ReactNode } from "react";
import { memo, useEffect, useRef } from "react";

export type Column<Row> = {
  readonly cell: (context: { readonly row: { readonly original: Row } }) => ReactNode;
  readonly header: ReactNode;
  readonly id: string;
  /** The width in pixels; the columns without one share the rest. */
  readonly size?: number;
};

export type DataTableProps<Row> = {
  /** They must be the same ones at each rendering: rows in sight are drawn again when they change. */
  readonly columns: ReadonlyArray<Column<Row>>;
  /** The height of a row before it is drawn, in pixels. */
  readonly estimatedRowHeight?: number;
  /** Highlighted, as the one that another part of the page is about. */
  readonly isCurrent?: (row: Row) => boolean;
  /** The table's name for screen readers. */
  readonly label: string;
  /** Called when the last rows come into sight: load more. */
  readonly onEndReached?: () => void;
  readonly rowKey: (row: Row) => string;
  readonly rows: readonly Row[];
  /** How many rows there are in all, as far as is known. */
  readonly total?: number;
};

const OVERSCAN = 6;

const widthOf = ({ size }: { readonly size?: number }) => (size === undefined ? {} : { w: `${size}px` });

export const DataTable = <Row,>({
  columns,
  estimatedRowHeight = 40,
  isCurrent,
  label,
  onEndReached,
  rowKey,
  rows,
  total,
}: DataTableProps<Row>) => {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    estimateSize: () => estimatedRowHeight,
    getScrollElement: () => scroller.current,
    overscan: OVERSCAN,
  });
  const items = virtualizer.getVirtualItems();
  const first = items.at(0);
  const last = items.at(-1);
  const before = first?.start ?? 0;
  const after = virtualizer.getTotalSize() - (last?.end ?? 0);

  const isAtEnd = last !== undefined && last.index >= rows.length - 1;
  useEffect(() => {
    if (isAtEnd) {
      onEndReached?.();
    }
  }, [isAtEnd, onEndReached, rows.length]);

  return (
    <Box
      aria-label={label}
      borderRadius="sm"
      borderWidth={1}
      h="100%"
      overflow="auto"
      ref={scroller}
      role="region"
      tabIndex={0}
    >
      <Table.Root
        aria-label={label}
        aria-rowcount={(total ?? rows.length) + 1}
        size="sm"
        stickyHeader
        tableLayout="fixed"
        variant="line"
      >
        <Table.Header>
          <Table.Row aria-rowindex={1} bg="bg.subtle">
            {columns.map((column) => (
              <Table.ColumnHeader key={column.id} scope="col" {...widthOf(column)}>
                {column.header}
              </Table.ColumnHeader>
            ))}
          </Table.Row>
        </Table.Header>
        <Body>
          <Gap columns={columns.length} height={before} />
          {items.map(({ index }) => {
            const row = rows[index];
            return row === undefined ? undefined : (
              <DrawnRow
                columns={columns as ReadonlyArray<Column<unknown>>}
                index={index}
                isCurrent={isCurrent?.(row) === true}
                key={rowKey(row)}
                measure={virtualizer.measureElement}
                row={row}
              />
            );
          })}
          <Gap columns={columns.length} height={after} />
        </Body>
      </Table.Root>
    </Box>
  );
};

/** Styles all rows and cells at once. As components of Chakra, each cell would work out its style on its own. */
const Body = ({ children }: { readonly children: ReactNode }) => {
  const styles = useTableStyles();
  return (
    <Table.Body
      css={{
        "& > tr[data-index]": { ...styles.row },
        "& > tr[data-index]:hover": { bg: "bg.muted" },
        "& > tr[aria-current]": { bg: "bg.info" },
        "& > tr[data-index] > td": { ...styles.cell, overflow: "hidden", overflowWrap: "anywhere", verticalAlign: "top" },
      }}
    >
      {children}
    </Table.Body>
  );
};

/** In place of the rows that are not drawn. */
const Gap = ({ columns, height }: { readonly columns: number; readonly height: number }) =>
  height > 0 ? (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  ) : undefined;

type DrawnRowProps = {
  readonly columns: ReadonlyArray<Column<unknown>>;
  readonly index: number;
  readonly isCurrent: boolean;
  readonly measure: (row: HTMLTableRowElement | null) => void;
  readonly row: unknown;
};

/** Drawn once, and not again at each step of scrolling. */
const DrawnRow = memo(({ columns, index, isCurrent, measure, row }: DrawnRowProps) => (
  <tr aria-current={isCurrent ? "true" : undefined} aria-rowindex={index + 2} data-index={index} ref={measure}>
    {columns.map(({ cell: Cell, id }) => (
      <td key={id}>
        <Cell row={{ original: row }} />
      </td>
    ))}
  </tr>
));
