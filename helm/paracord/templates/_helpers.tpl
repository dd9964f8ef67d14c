{{- define "paracord.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{- define "paracord.fullname" -}}
{{- include "paracord.name" . | trunc 45 | trimSuffix "-" }}
{{- end }}

{{- define "paracord.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "paracord.labels" -}}
{{ include "paracord.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "paracord.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* A quantity of memory in MiB, rounded down. */}}
{{- define "paracord.mebibytes" -}}
{{- $text := . | toString -}}
{{- $number := regexFind "^[0-9.]+" $text | float64 -}}
{{- $unit := regexReplaceAll "^[0-9.]+" $text "" -}}
{{- $units := dict "" 9.5367431640625e-07 "k" 0.00095367431640625 "Ki" 0.0009765625 "M" 0.95367431640625 "Mi" 1.0 "G" 953.67431640625 "Gi" 1024.0 "T" 953674.31640625 "Ti" 1048576.0 -}}
{{- if not (hasKey $units $unit) }}{{ fail (printf "the amount of memory %q has an unknown unit; write 512Mi or 4Gi" $text) }}{{ end -}}
{{- mulf $number (get $units $unit) | floor | int -}}
{{- end }}

{{/* CPUs as whole slots, rounded up. */}}
{{- define "paracord.cpus" -}}
{{- $text := . | toString -}}
{{- if hasSuffix "m" $text }}{{ divf (trimSuffix "m" $text | float64) 1000.0 | ceil | int }}{{ else }}{{ $text | float64 | ceil | int }}{{ end -}}
{{- end }}

{{/* How the processes listen: on all addresses of the family. */}}
{{- define "paracord.any" -}}
{{- if eq .Values.ipFamily "IPv4" }}0.0.0.0{{ else }}[::]{{ end -}}
{{- end }}

{{- define "paracord.families" -}}
{{- if eq .Values.ipFamily "Dual" -}}
ipFamilyPolicy: RequireDualStack
ipFamilies: [IPv4, IPv6]
{{- else -}}
ipFamilyPolicy: SingleStack
ipFamilies: [{{ .Values.ipFamily }}]
{{- end }}
{{- end }}

{{- define "paracord.scheduler" -}}
tcp://{{ include "paracord.fullname" . }}-scheduler.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:{{ .Values.ports.control }}
{{- end }}

{{- define "paracord.makesKeys" -}}
{{- if and (not .Values.keys.insecure) (not .Values.keys.existing.scheduler) }}yes{{ end -}}
{{- end }}

{{/* The secret of a role: scheduler, node, client. */}}
{{- define "paracord.secret" -}}
{{- get .root.Values.keys.existing .role | default (printf "%s-keys-%s" (include "paracord.fullname" .root) .role) -}}
{{- end }}

{{- define "paracord.keyVolume" -}}
{{- if not .root.Values.keys.insecure }}
- name: keys
  secret:
    secretName: {{ include "paracord.secret" . }}
    defaultMode: 0440
    items:
      {{- if eq .role "scheduler" }}
      - {key: scheduler.secret, path: scheduler.secret}
      - {key: node.public, path: authorised/nodes/node.public}
      - {key: client.public, path: authorised/clients/client.public}
      {{- else }}
      - {key: {{ .role }}.secret, path: {{ .role }}.secret}
      - {key: scheduler.public, path: scheduler.public}
      {{- end }}
{{- end }}
{{- end }}

{{- define "paracord.keyMount" -}}
{{- if not .Values.keys.insecure }}
- {name: keys, mountPath: /etc/paracord/keys, readOnly: true}
{{- end }}
{{- end }}

{{/* What Kubernetes' restricted profile asks for, and more. */}}
{{- define "paracord.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.runAs.user }}
runAsGroup: {{ .Values.runAs.group }}
fsGroup: {{ .Values.runAs.group }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "paracord.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "paracord.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "paracord.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  timeoutSeconds: 3
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{/* A pool with what it does not say itself, as YAML. */}}
{{- define "paracord.pool" -}}
{{- mergeOverwrite (deepCopy .root.Values.poolDefaults) (deepCopy (default (dict) .pool)) | toYaml -}}
{{- end }}

{{/* Slots of a pool. */}}
{{- define "paracord.slots" -}}
{{- if gt (.slots | int) 0 }}{{ .slots | int }}{{ else if dig "limits" "cpu" "" .resources }}{{ include "paracord.cpus" .resources.limits.cpu }}{{ else }}{{ fail "a pool needs slots, or resources.limits.cpu, from which they follow" }}{{ end -}}
{{- end }}

{{/* What a worker may take: what the agent (256 MiB) and the shared memory leave, for each slot. */}}
{{- define "paracord.workerMegabytes" -}}
{{- $memory := include "paracord.mebibytes" .resources.limits.memory | int -}}
{{- $left := sub $memory (include "paracord.mebibytes" .sharedMemory | int) 256 | int -}}
{{- if gt (.workerMegabytes | int) 0 }}{{ .workerMegabytes | int }}{{ else }}{{ div $left (include "paracord.slots" . | int) }}{{ end -}}
{{- end }}

{{/* What the schema cannot say. */}}
{{- define "paracord.check" -}}
{{- $existing := .Values.keys.existing -}}
{{- $given := compact (list $existing.scheduler $existing.node $existing.client) | len -}}
{{- if and (ne $given 0) (ne $given 3) }}{{ fail "keys.existing: name all three secrets (scheduler, node, client), or none" }}{{ end -}}
{{- if and .Values.keys.insecure (ne $given 0) }}{{ fail "keys.insecure and keys.existing exclude each other" }}{{ end -}}
{{- range $name, $own := .Values.pools -}}
{{- $pool := include "paracord.pool" (dict "root" $ "pool" $own) | fromYaml -}}
{{- $at := printf "the pool %q" $name -}}
{{- if not (dig "limits" "memory" "" $pool.resources) }}{{ fail (printf "%s has no resources.limits.memory, which its shared memory counts against" $at) }}{{ end -}}
{{- $memory := include "paracord.mebibytes" $pool.resources.limits.memory | int -}}
{{- $shared := include "paracord.mebibytes" $pool.sharedMemory | int -}}
{{- if ge $shared $memory }}{{ fail (printf "%s: sharedMemory (%s) must be smaller than resources.limits.memory (%s): what lies in it counts as the container's memory" $at $pool.sharedMemory $pool.resources.limits.memory) }}{{ end -}}
{{- if lt (include "paracord.workerMegabytes" $pool | int) 64 }}{{ fail (printf "%s: beside the shared memory (%s) and the agent, resources.limits.memory (%s) leaves less than 64 MiB for each worker" $at $pool.sharedMemory $pool.resources.limits.memory) }}{{ end -}}
{{- $workers := mul (include "paracord.workerMegabytes" $pool | int) (include "paracord.slots" $pool | int) -}}
{{- if gt (add $workers $shared | int) $memory }}{{ fail (printf "%s: workerMegabytes for each slot and sharedMemory (%s) are together more than resources.limits.memory (%s)" $at $pool.sharedMemory $pool.resources.limits.memory) }}{{ end -}}
{{- $scaling := $pool.autoscaling -}}
{{- if gt ($scaling.minReplicas | int) ($scaling.maxReplicas | int) }}{{ fail (printf "%s: autoscaling.minReplicas is above maxReplicas" $at) }}{{ end -}}
{{- if and (eq $scaling.mode "hpa") (lt ($scaling.minReplicas | int) 1) }}{{ fail (printf "%s: an HPA cannot scale to 0; use keda, or minReplicas of 1 or more" $at) }}{{ end -}}
{{- if and (eq $scaling.mode "keda") (not $scaling.prometheus) }}{{ fail (printf "%s: autoscaling.prometheus is empty; keda asks it how much work is left" $at) }}{{ end -}}
{{- if and (eq $scaling.mode "keda") (not ($.Capabilities.APIVersions.Has "keda.sh/v1alpha1")) }}{{ fail (printf "%s is scaled by keda, which this cluster does not have (keda.sh/v1alpha1); install it first, or give --api-versions to helm template" $at) }}{{ end -}}
{{- end -}}
{{- if and (or .Values.monitoring.monitors .Values.monitoring.rules) (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}{{ fail "monitoring.monitors and monitoring.rules need Prometheus' operator (monitoring.coreos.com/v1); install it first, or give --api-versions to helm template" }}{{ end -}}
{{- end }}
