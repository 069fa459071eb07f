import { Empty } from "~/components/states";
import { texts } from "~/texts";

const AttentionView = () => <Empty title={texts.views.attention} />;

export default AttentionView;
