import { Empty } from "~/components/states";
import { texts } from "~/texts";

const ConfigurationView = () => <Empty title={texts.views.configuration} />;

export default ConfigurationView;
