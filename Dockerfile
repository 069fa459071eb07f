# The image of every Airflow service of docker-compose.yaml and of deploy/helm-values.yaml.
# The version of Airflow stands here, and as airflowVersion in deploy/helm-values.yaml: keep both the same.
ARG AIRFLOW_VERSION=3.3.2
FROM apache/airflow:${AIRFLOW_VERSION}

# The context is what .dockerignore lets through.
COPY --chown=airflow:0 . /opt/airflow-triggers

# pip builds in a copy: the user airflow may not write into the folder that COPY has made.
# Airflow is named beside the packages, so that pip may not change its version (AIRFLOW_VERSION is a variable of the image).
# The client is for connections of the type 'triggers': tasks and the triggerer ask over REST (docs/dag-authors.md).
# A volume mounted at the results gets the folder's owner.
RUN cp --recursive /opt/airflow-triggers /tmp/airflow-triggers \
    && pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" /tmp/airflow-triggers /tmp/airflow-triggers/client \
    && rm --recursive --force /tmp/airflow-triggers \
    && mkdir --mode=2775 /opt/airflow/results
