import { Empty } from "~/components/states";
import { texts } from "~/texts";

const SessionView = () => <Empty title={texts.views.session} />;

export default SessionView;
