import { Empty } from "~/components/states";
import { texts } from "~/texts";

/** The tab on a DAG run's page. */
const RunTab = ({ runId }: { readonly dagId: string; readonly runId: string }) => (
  <Empty detail={runId} title={texts.app.title} />
);

export default RunTab;
