{{- define "paracord.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{/* Releases may have dots in their names, services may not. */}}
{{- define "paracord.fullname" -}}
{{- include "paracord.name" . | replace "." "-" | trunc 45 | trimSuffix "-" }}
{{- end }}

{{- define "paracord.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of pods: nothing that changes without the pod, since a changed template ends the old ones. */}}
{{- define "paracord.podLabels" -}}
{{ include "paracord.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimAll "-_." | quote }}
{{- end }}

{{- define "paracord.labels" -}}
{{ include "paracord.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_." }}
{{- end }}

{{- define "paracord.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What is not in a pod itself, but should make a new one. */}}
{{- define "paracord.checksum" -}}
checksum/keys: {{ toJson (list .Values.keys.existing .Values.keys.revision) | sha256sum }}
{{- end }}

{{/* A quantity of memory in MiB, rounded down. A number is bytes, which YAML may have made a float of. */}}
{{- define "paracord.mebibytes" -}}
{{- $text := kindIs "string" . | ternary . (. | int64) | toString -}}
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
runAsUser: {{ .Values.runAs.user | int64 }}
runAsGroup: {{ .Values.runAs.group | int64 }}
fsGroup: {{ .Values.runAs.group | int64 }}
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

{{/* Slots of a pool; 0 where they follow from nothing. */}}
{{- define "paracord.slots" -}}
{{- if gt (.slots | int) 0 }}{{ .slots | int }}{{ else }}{{ include "paracord.cpus" (dig "limits" "cpu" "" .resources | default "0") }}{{ end -}}
{{- end }}

{{/* What the agent itself takes, in MiB. */}}
{{- define "paracord.agentMegabytes" -}}256{{- end }}

{{/* What a worker may take: what the agent and the shared memory leave, for each slot. */}}
{{- define "paracord.workerMegabytes" -}}
{{- $left := sub (include "paracord.mebibytes" .resources.limits.memory | int) (add (include "paracord.agentMegabytes" . | int) (include "paracord.mebibytes" .sharedMemory | int)) | int -}}
{{- if gt (.workerMegabytes | int) 0 }}{{ .workerMegabytes | int }}{{ else }}{{ div $left (include "paracord.slots" . | int) }}{{ end -}}
{{- end }}

{{/* What the schema cannot say. */}}
{{- define "paracord.check" -}}
{{- $existing := .Values.keys.existing -}}
{{- $given := compact (list $existing.scheduler $existing.node $existing.client) | len -}}
{{- if and (ne $given 0) (ne $given 3) }}{{ fail "keys.existing: name all three secrets (scheduler, node, client), or none" }}{{ end -}}
{{- if and .Values.keys.insecure (ne $given 0) }}{{ fail "keys.insecure and keys.existing exclude each other" }}{{ end -}}
{{- if regexMatch "^[0-9]" (include "paracord.fullname" .) }}{{ fail (printf "the release name %q begins with a digit, which names of services may not; choose one that begins with a letter" .Release.Name) }}{{ end -}}
{{- if ne 3 (list (.Values.ports.control | int) (.Values.ports.data | int) (.Values.ports.http | int) | uniq | len) }}{{ fail (printf "ports: control (%v), data (%v) and http (%v) must differ" .Values.ports.control .Values.ports.data .Values.ports.http) }}{{ end -}}
{{- if lt (.Values.scheduler.nodeLostAfter | float64) (.Values.scheduler.suspectAfter | float64) }}{{ fail (printf "scheduler.nodeLostAfter (%v) is shorter than scheduler.suspectAfter (%v)" .Values.scheduler.nodeLostAfter .Values.scheduler.suspectAfter) }}{{ end -}}
{{- range $name, $own := .Values.pools -}}
{{- $pool := include "paracord.pool" (dict "root" $ "pool" $own) | fromYaml -}}
{{- $at := printf "the pool %q" $name -}}
{{- if not (dig "limits" "memory" "" $pool.resources) }}{{ fail (printf "%s has no resources.limits.memory, which its shared memory counts against" $at) }}{{ end -}}
{{- $memory := include "paracord.mebibytes" $pool.resources.limits.memory | int -}}
{{- $shared := include "paracord.mebibytes" $pool.sharedMemory | int -}}
{{- if ge $shared $memory }}{{ fail (printf "%s: sharedMemory (%v) must be smaller than resources.limits.memory (%v): what lies in it counts as the container's memory" $at $pool.sharedMemory $pool.resources.limits.memory) }}{{ end -}}
{{- if lt $shared 16 }}{{ fail (printf "%s: sharedMemory (%v) is less than 16Mi; arrays and results go through it" $at $pool.sharedMemory) }}{{ end -}}
{{- if lt (include "paracord.mebibytes" $pool.programs | int) 16 }}{{ fail (printf "%s: programs (%v) is less than 16Mi; the programs of clients are kept in it" $at $pool.programs) }}{{ end -}}
{{- if and $pool.spillStorageClass (lt (include "paracord.mebibytes" $pool.spill | int) 1) }}{{ fail (printf "%s: spill (%v) is less than 1Mi, which no volume of the class %s can be" $at $pool.spill $pool.spillStorageClass) }}{{ end -}}
{{- if lt (include "paracord.slots" $pool | int) 1 }}{{ fail (printf "%s needs slots, or resources.limits.cpu above 0, from which they follow" $at) }}{{ end -}}
{{- if lt (include "paracord.workerMegabytes" $pool | int) 64 }}{{ fail (printf "%s: beside the shared memory (%v) and the agent (%s MiB), resources.limits.memory (%v) leaves less than 64 MiB for each worker of %s slots" $at $pool.sharedMemory (include "paracord.agentMegabytes" .) $pool.resources.limits.memory (include "paracord.slots" $pool)) }}{{ end -}}
{{- $workers := mul (include "paracord.workerMegabytes" $pool | int) (include "paracord.slots" $pool | int) -}}
{{- $agent := include "paracord.agentMegabytes" . | int -}}
{{- if gt (add $workers $shared $agent | int) $memory }}{{ fail (printf "%s: workerMegabytes (%s) for each of %s slots, sharedMemory (%v) and the agent (%d MiB) are together more than resources.limits.memory (%v)" $at (include "paracord.workerMegabytes" $pool) (include "paracord.slots" $pool) $pool.sharedMemory $agent $pool.resources.limits.memory) }}{{ end -}}
{{- if and $pool.hostNetwork (has ($pool.maxUnavailable | toString) (list "0" "0%")) }}{{ fail (printf "%s: maxUnavailable is %v with hostNetwork: a new node cannot start beside the old one, which holds the machine's ports; allow 1" $at $pool.maxUnavailable) }}{{ end -}}
{{- if and $pool.hostNetwork $.Values.networkPolicy.enabled (not $.Values.networkPolicy.hosts) }}{{ fail (printf "%s has hostNetwork, so its packets come from the machine: name the machines' addresses in networkPolicy.hosts (- ipBlock: {cidr: 10.0.0.0/16}), or the policies keep it out" $at) }}{{ end -}}
{{- $scaling := $pool.autoscaling -}}
{{- if gt ($scaling.minReplicas | int) ($scaling.maxReplicas | int) }}{{ fail (printf "%s: autoscaling.minReplicas (%v) is above maxReplicas (%v)" $at $scaling.minReplicas $scaling.maxReplicas) }}{{ end -}}
{{- if and (eq $scaling.mode "hpa") (lt ($scaling.minReplicas | int) 1) }}{{ fail (printf "%s: an HPA cannot scale to 0; use keda, or minReplicas of 1 or more" $at) }}{{ end -}}
{{- if and (ne $scaling.mode "none") (gt ($scaling.cooldownSeconds | int) 3600) }}{{ fail (printf "%s: autoscaling.cooldownSeconds is %v; Kubernetes allows 3600 at the most" $at $scaling.cooldownSeconds) }}{{ end -}}
{{- if and (eq $scaling.mode "keda") (not $scaling.prometheus) }}{{ fail (printf "%s: autoscaling.prometheus is empty; keda asks it how much work is left" $at) }}{{ end -}}
{{- if and (eq $scaling.mode "keda") (not ($.Capabilities.APIVersions.Has "keda.sh/v1alpha1")) }}{{ fail (printf "%s is scaled by keda, which this cluster does not have (keda.sh/v1alpha1); install it first, or give --api-versions to helm template" $at) }}{{ end -}}
{{- end -}}
{{- if and (or .Values.monitoring.monitors .Values.monitoring.rules) (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}{{ fail "monitoring.monitors and monitoring.rules need Prometheus' operator (monitoring.coreos.com/v1); install it first, or give --api-versions to helm template" }}{{ end -}}
{{- end }}

{{- define "paracord.clientPeers" -}}
{{- if .Values.networkPolicy.clients }}{{ toYaml .Values.networkPolicy.clients }}{{ else -}}
- podSelector: {matchLabels: {paracord.io/client: "true"}}
{{- end }}
{{- end }}
{{/* `helm test` is a client, whoever else is. */}}
{{- define "paracord.checkPeer" -}}
- podSelector:
    matchLabels: {{- include "paracord.selector" . | nindent 6 }}
      app.kubernetes.io/component: check
{{- end }}
{{- define "paracord.nodePeers" -}}
- podSelector:
    matchLabels: {{- include "paracord.selector" . | nindent 6 }}
      app.kubernetes.io/component: node
{{- with .Values.networkPolicy.hosts }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{/* Whether clients from elsewhere are let through to nodes: where they find the scheduler, and the port by which. */}}
{{- define "paracord.relay" -}}
{{- $service := .Values.scheduler.service -}}
{{- if eq $service.type "NodePort" }}{{ if $service.relayNodePort }}{{ $service.relayNodePort | int }}{{ end }}
{{- else if or (ne $service.type "ClusterIP") $service.annotations }}{{ .Values.ports.relay | int }}
{{- end }}
{{- end }}
{{- define "paracord.dns" -}}
- ports:
    {{- range .Values.networkPolicy.dnsPorts }}
    - {port: {{ . | int }}, protocol: UDP}
    - {port: {{ . | int }}, protocol: TCP}
    {{- end }}
{{- end }}
{{/* An HPA's way down, for KEDA's as well. */}}
{{- define "paracord.scaleDown" -}}
scaleDown:
  stabilizationWindowSeconds: {{ .cooldownSeconds | int }}
  policies:
    - {type: Percent, value: 25, periodSeconds: 60}
{{- end }}
