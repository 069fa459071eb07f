import { Empty } from "~/components/states";
import { texts } from "~/texts";

/** The tab on a DAG's page. */
const DagTab = ({ dagId }: { readonly dagId: string }) => <Empty detail={dagId} title={texts.app.title} />;

export default DagTab;
