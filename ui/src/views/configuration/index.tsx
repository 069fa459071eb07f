import { Empty } from "~/components/states";
import { texts } from "~/texts";
import { useSearchParam } from "~/viewState";

import { ConfigurationList } from "./ConfigurationList";
import { ConfigurationPage } from "./ConfigurationPage";

/** The deployed configurations; or one of them, when the address names it. */
const ConfigurationView = () => {
  const name = useSearchParam("configuration");
  return name === undefined ? (
    <ConfigurationList empty={<Empty detail={texts.configuration.emptyDetail} title={texts.configuration.empty} />} />
  ) : (
    <ConfigurationPage name={name} />
  );
};

export default ConfigurationView;
