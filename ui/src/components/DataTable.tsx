/**
 * A table of any length: only the rows in sight are in the document (TanStack Table and Virtual).
 *
 * It is a real table for screen readers: `aria-rowcount` and `aria-rowindex` count the rows that are not drawn.
 */
import { Box, Table } from "@chakra-ui/react";
import type { ColumnDef, RowData } from "@tanstack/react-table";
import { flexRender, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";

export type Column<Row extends RowData> = ColumnDef<Row>;

export type DataTableProps<Row extends RowData> = {
  /** TanStack's column definitions; `size` is a width in pixels, for all but one column. */
  readonly columns: Array<Column<Row>>;
  /** The height of a row before it is drawn, in pixels. */
  readonly estimatedRowHeight?: number;
  /** Highlighted, as the one that another part of the page is about. */
  readonly isCurrent?: (row: Row) => boolean;
  /** The table's name for screen readers. */
  readonly label: string;
  /** Called when the last rows come into sight: load more. */
  readonly onEndReached?: () => void;
  readonly rowKey: (row: Row) => string;
  readonly rows: Row[];
  /** How many rows there are in all, as far as is known. */
  readonly total?: number;
};

const OVERSCAN = 10;

/** The size of a column without a width: it takes what the others leave. */
const REMAINING = 0;

const widthOf = ({ size = REMAINING }: { readonly size?: number }) => (size > REMAINING ? { w: `${size}px` } : {});

export const DataTable = <Row extends RowData>({
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
  const table = useReactTable({
    columns,
    data: rows,
    defaultColumn: { size: REMAINING },
    getCoreRowModel: getCoreRowModel(),
    getRowId: rowKey,
  });
  const model = table.getRowModel().rows;
  const virtualizer = useVirtualizer({
    count: model.length,
    estimateSize: () => estimatedRowHeight,
    getItemKey: (index) => model[index]?.id ?? index,
    getScrollElement: () => scroller.current,
    overscan: OVERSCAN,
  });
  const items = virtualizer.getVirtualItems();
  const first = items.at(0);
  const last = items.at(-1);
  const before = first?.start ?? 0;
  const after = virtualizer.getTotalSize() - (last?.end ?? 0);

  const isAtEnd = last !== undefined && last.index >= model.length - 1;
  useEffect(() => {
    if (isAtEnd) {
      onEndReached?.();
    }
  }, [isAtEnd, model.length, onEndReached]);

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
        aria-rowcount={(total ?? model.length) + 1}
        size="sm"
        stickyHeader
        tableLayout="fixed"
        variant="line"
      >
        <Table.Header>
          {table.getHeaderGroups().map((group) => (
            <Table.Row aria-rowindex={1} bg="bg.subtle" key={group.id}>
              {group.headers.map((header) => (
                <Table.ColumnHeader
                  key={header.id}
                  scope="col"
                  {...widthOf(header.column.columnDef)}
                >
                  {header.isPlaceholder ? undefined : flexRender(header.column.columnDef.header, header.getContext())}
                </Table.ColumnHeader>
              ))}
            </Table.Row>
          ))}
        </Table.Header>
        <Table.Body>
          {before > 0 ? (
            <tr aria-hidden>
              <td colSpan={columns.length} style={{ height: before, padding: 0 }} />
            </tr>
          ) : undefined}
          {items.map((item) => {
            const row = model[item.index];
            return row === undefined ? undefined : (
              <Table.Row
                _hover={{ bg: "bg.muted" }}
                aria-current={isCurrent?.(row.original) === true ? "true" : undefined}
                aria-rowindex={item.index + 2}
                bg={isCurrent?.(row.original) === true ? "bg.info" : undefined}
                data-index={item.index}
                key={row.id}
                ref={virtualizer.measureElement}
              >
                {row.getVisibleCells().map((cell) => (
                  <Table.Cell key={cell.id} overflow="hidden" overflowWrap="anywhere" verticalAlign="top">
                    {flexRender(cell.column.columnDef.cell, cell.getContext())}
                  </Table.Cell>
                ))}
              </Table.Row>
            );
          })}
          {after > 0 ? (
            <tr aria-hidden>
              <td colSpan={columns.length} style={{ height: after, padding: 0 }} />
            </tr>
          ) : undefined}
        </Table.Body>
      </Table.Root>
    </Box>
  );
};
